/** All commands, in the order of help: the whole job first, then each step of it, then questions. */

import { activateCommand } from './command/activate.ts';
import { applyCommand } from './command/apply.ts';
import { benchCommand } from './command/bench.ts';
import { calculateCommand } from './command/calculate.ts';
import { checkCommand } from './command/check.ts';
import { explainCommand } from './command/explain.ts';
import { forgetCommand } from './command/forget.ts';
import { importCommand } from './command/import.ts';
import { listsCommand } from './command/lists.ts';
import { membersCommand } from './command/members.ts';
import { modelsCommand } from './command/models.ts';
import { overlapCommand } from './command/overlap.ts';
import { previewCommand } from './command/preview.ts';
import { schemaCommand } from './command/schema.ts';
import { segmentsCommand } from './command/segments.ts';
import { serveCommand } from './command/serve.ts';
import { simulateCommand } from './command/simulate.ts';
import { sizeCommand } from './command/size.ts';
import { startCommand } from './command/start.ts';
import { statusCommand } from './command/status.ts';
import { verifyCommand } from './command/verify.ts';
import type { CliCommand } from './command.ts';

export const COMMANDS: readonly CliCommand[] = [
  startCommand,
  importCommand,
  applyCommand,
  calculateCommand,
  serveCommand,
  checkCommand,
  explainCommand,
  previewCommand,
  segmentsCommand,
  sizeCommand,
  membersCommand,
  overlapCommand,
  modelsCommand,
  activateCommand,
  listsCommand,
  statusCommand,
  verifyCommand,
  forgetCommand,
  schemaCommand,
  simulateCommand,
  benchCommand,
];
