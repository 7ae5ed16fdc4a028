import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';

/** Keeps the page above an on-screen keyboard, which covers it without changing its size. */
export function useVisibleHeight(page: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const view = globalThis.visualViewport;
    const fit = () => {
      if (!view || !page.current) return;
      const covered = view.scale === 1 && view.height < innerHeight - 1;
      page.current.style.height = covered ? `${view.height}px` : '';
      if (covered) scrollTo(0, 0);
    };
    view?.addEventListener('resize', fit);
    return () => view?.removeEventListener('resize', fit);
  }, []);
}
