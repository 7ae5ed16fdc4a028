import axe from 'axe-core';
import type { Page } from 'playwright-core';

interface AxeGlobals {
  axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
}

const LOOKS = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [1280, 390].map((width) => ({ colorScheme, width })),
);

/** Colours that change little by little are judged at their end; what goes round for ever has none. */
const SETTLE = `(async () => {
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  for (const animation of document.getAnimations())
    if (animation.effect.getComputedTiming().endTime !== Infinity) animation.finish();
})()`;

/** axe's findings on the current page, in light and dark, wide and narrow; each with its place. */
export async function findings(page: Page, state: string): Promise<string[]> {
  const found: string[] = [];
  const size = page.viewportSize()!;
  await page.evaluate(axe.source);
  for (const { colorScheme, width } of LOOKS) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height: size.height });
    await page.evaluate(SETTLE);
    const { violations } = await page.evaluate(() => (globalThis as unknown as AxeGlobals).axe.run());
    for (const { id, nodes } of violations)
      found.push(
        `${state}, ${colorScheme}, ${width}: ${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
      );
  }
  await page.setViewportSize(size);
  return found;
}
