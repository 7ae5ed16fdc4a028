import { defineConfig } from 'vite';

/** The hub serves what this builds; `npx vite console` develops against a hub on port 8080. */
export default defineConfig({
  // below whatever path the hub is reached at: it names that in the page's <base>
  base: './',
  resolve: { conditions: ['source', 'module', 'browser', 'development|production'] },
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    target: 'es2022',
    // Fonts and pictures as files: the page's policy is default-src 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': { target: 'http://localhost:8080', ws: true } } },
});
