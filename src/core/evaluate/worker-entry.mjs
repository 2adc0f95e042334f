// Where a worker thread begins: loads TypeScript through tsx, which a thread does not inherit on Node 20.
import { register } from 'tsx/esm/api';

register();
await import('./worker.ts');
