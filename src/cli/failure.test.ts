/** How failures are told, and with which exit code a command ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemAt, problemsError } from '../core/catalog/problem.ts';
import { CoterieError, ERROR_CATALOGUE, type ErrorCode } from '../model/error.ts';
import { describeFailure, EXIT_CODES, exitCodeOf } from './failure.ts';

test('every code of the catalogue has an exit code that is documented', () => {
  for (const code of Object.keys(ERROR_CATALOGUE) as ErrorCode[]) {
    assert.ok(exitCodeOf(new CoterieError(code, '')) in EXIT_CODES, code);
  }
  for (const code of Object.keys(ERROR_CATALOGUE) as ErrorCode[]) {
    const error = new CoterieError(code, '');
    assert.equal(exitCodeOf(error) === 4, error.retry, `${code}: 4 where trying again can help`);
  }
  assert.equal(exitCodeOf(new CoterieError('CONFIG_INVALID', '')), 2);
  assert.equal(exitCodeOf(new CoterieError('DEFINITION_INVALID', '')), 3);
  assert.equal(exitCodeOf(new CoterieError('PORT_IN_USE', '')), 4);
  assert.equal(exitCodeOf(new CoterieError('DATA_FOLDER_NEWER', '')), 1);
  assert.equal(exitCodeOf(new TypeError()), 1);
});

test('an operating failure is told without a stack, with its remedy', () => {
  assert.deepEqual(
    describeFailure(new CoterieError('PORT_IN_USE', 'port 80 is in use', { port: 80 }), false),
    ['error PORT_IN_USE: port 80 is in use', '  Choose another with --port, or stop what listens there.'],
  );
});

test('several problems are told one a line, each once', () => {
  const messages = ['a.yaml:1:1: first', 'a.yaml:2:1: second'];
  const error = new CoterieError('DEFINITION_INVALID', messages.join('\n'), {
    problems: messages.map((message) => ({ message })),
  });
  assert.deepEqual(describeFailure(error, false).slice(0, 3), [
    'error DEFINITION_INVALID: 2 problems',
    '  - a.yaml:1:1: first',
    '  - a.yaml:2:1: second',
  ]);
  const one = new CoterieError('DEFINITION_INVALID', messages[0]!, { problems: [{ message: messages[0] }] });
  assert.equal(describeFailure(one, false).length, 2);
});

test('all problems are told and counted, up to the hundred that are looked for', () => {
  const told = (count: number) => {
    const problems = Array.from({ length: count }, (_, i) =>
      problemAt(['params'], { expected: 'one', found: `${i}` }),
    );
    return describeFailure(problemsError(problems), false);
  };
  assert.equal(told(49)[0], 'error DEFINITION_INVALID: 49 problems');
  assert.deepEqual(
    told(49).slice(1, -1),
    Array.from({ length: 49 }, (_, i) => `  - params: expected one, found ${i}`),
  );
  assert.equal(told(130)[0], 'error DEFINITION_INVALID: the first 100 problems; there may be more');
  assert.equal(told(130).length, 102);
});

test('a message of several lines that lists no problems is told as it is', () => {
  const lines = describeFailure(new CoterieError('PORT_IN_USE', 'a\nb'), false);
  assert.deepEqual(lines.slice(0, 2), ['error PORT_IN_USE: a', '  b']);
});

test('a defect is told with its stack, and so is any failure when asked', () => {
  assert.match(
    describeFailure(new TypeError('x is not a function'), false).join('\n'),
    /^error INTERNAL: x is.*failure\.test/s,
  );
  assert.match(describeFailure(new CoterieError('DISK_FULL', 'full'), true).join('\n'), /failure\.test/);
});
