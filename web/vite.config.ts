import { defineConfig } from "vite";

/** `vite build` makes the page; `vite build --mode widget` adds widget.js, one file with its styles inside. */
export default defineConfig(({ mode }) => {
  const shared = { base: "/", build: { target: "es2022", assetsInlineLimit: 0, reportCompressedSize: false } };
  if (mode !== "widget") return { ...shared, build: { ...shared.build, modulePreload: { polyfill: false } } };
  return {
    ...shared,
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      ...shared.build,
      emptyOutDir: false,
      copyPublicDir: false,
      lib: { entry: "src/widget.tsx", formats: ["es" as const], fileName: () => "widget.js" },
      // A library keeps its white space unless it is told not to.
      rolldownOptions: { output: { minify: true } },
    },
  };
});
