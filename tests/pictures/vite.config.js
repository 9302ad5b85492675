import { defineConfig } from 'vite';
import react from '@vitejs/plugin-react';

// One big file that nobody downloads: readable errors matter more than its size.
export default defineConfig({
  plugins: [react()],
  define: { 'process.env': {}, global: 'globalThis' },
  build: { target: 'esnext', minify: false, chunkSizeWarningLimit: 50_000 },
});
