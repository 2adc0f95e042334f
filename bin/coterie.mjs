#!/usr/bin/env node
// The `coterie` command: loads TypeScript through tsx, then hands over to the composition root.
import { register } from 'tsx/esm/api';

register();
await import('../src/main.ts');
