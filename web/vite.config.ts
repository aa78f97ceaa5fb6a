import { defineConfig } from "vite";

/** `vite build` makes the page; `vite build --mode widget` adds widget.js, one file with its styles inside. */
export default defineConfig(({ mode }) => {
  // The licence texts of the libraries inside, which must travel with them.
  const license = { fileName: "THIRD_PARTY.md" };
  const shared = { base: "/", build: { target: "es2022", assetsInlineLimit: 0, reportCompressedSize: false } };
  if (mode !== "widget") return { ...shared, build: { ...shared.build, modulePreload: { polyfill: false }, license } };
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
