import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: { index: 'src/index.ts', encryption: 'src/encryption/index.ts' },
  format: 'esm',
  platform: 'neutral',
  dts: true,
  tsconfig: 'tsconfig.build.json',
  sourcemap: true,
});
