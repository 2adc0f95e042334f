/** `coterie explain`: why is this customer in that segment, or not? */
import { checkCustomerId } from '../../api/customer-id.ts';
import { withAsOfText } from '../../api/report.ts';
import type { ExplainedNode, ExplainReport } from '../../core/core.ts';
import { formatMoment } from '../../model/time.ts';
import { defineCommand } from '../command.ts';
import { withCore } from '../core-access.ts';
import { momentOption } from '../option-parsers.ts';
import { formatAge, visible } from '../words.ts';

interface ExplainOptions {
  readonly at?: number;
}

export const explainCommand = defineCommand<ExplainOptions>({
  name: 'explain',
  summary: 'why is a customer in a segment, or not?',
  description:
    'Shows the rule with the outcome and the value of every condition, the facts that decided it, and when\n' +
    'the membership changes if nothing happens.',
  arguments: [
    { name: '<customer>', help: 'id of the customer' },
    { name: '<segment>', help: 'key of the segment; an instance of a family is family@store' },
  ],
  options: [
    momentOption('--at <moment>', 'explain as of this moment (default: that of the last calculation)'),
  ],
  examples: [
    { says: 'Now', line: 'coterie explain customer-17 recurrent-30d@store-3' },
    {
      says: 'At a past moment',
      line: 'coterie explain customer-17 lapsed-big-spender --at 2026-01-31T12:00:00Z',
    },
    { says: 'When does it change?', line: 'coterie explain customer-17 vip --json | jq .nextChange' },
  ],
  async run(call) {
    const [customer = '', segment = ''] = call.args;
    checkCustomerId(customer, '<customer>');
    const report = await withCore(call, { ifMissing: 'refuse' }, (core) =>
      core.explain(customer, segment, call.options.at),
    );
    if (call.json) await call.terminal.printJson(withAsOfText(report));
    else await call.terminal.print(...describeExplanation(report).map(visible));
  },
});

/** An explanation in lines: the answer, the tree below it, what happens next. */
export function describeExplanation(report: ExplainReport): string[] {
  const lines = [
    `${report.customer} is ${report.member ? 'IN' : 'NOT IN'} ${report.segment}, as of ${formatMoment(report.asOf.moment)}`,
  ];
  if (!report.known) {
    lines.push(
      `  no facts are known of this customer, so the default holds: ${report.defaultMember ? 'in' : 'not in'}`,
    );
  }
  lines.push(...describeNode(report.rule, 1));
  lines.push(
    report.nextChange === null
      ? '  stays so until a new fact arrives'
      : `  ${report.nextChange.member ? 'enters' : 'leaves'} at ${report.nextChange.at} if nothing happens`,
  );
  return lines;
}

function describeNode(node: ExplainedNode, depth: number): string[] {
  const gap = '  '.repeat(depth);
  const mark = node.holds ? '✓' : '✗';
  if (node.condition === undefined) {
    return [
      `${gap}${mark} ${node.kind}`,
      ...(node.nodes ?? []).flatMap((child) => describeNode(child, depth + 1)),
    ];
  }
  const { text, value, unit, bound, facts } = node.condition;
  const shown = (measured: number | string) =>
    unit === 'seconds' ? `${formatAge(Number(measured))} ago` : `${measured}`;
  return [
    `${gap}${mark} ${text}${value === null ? '' : `: ${shown(value)}`}`,
    ...(bound === undefined ? [] : [`${gap}    ${describeBound(bound, shown)}`]),
    ...facts.map((fact) => `${gap}    ${describeFact(fact)}`),
  ];
}

function describeBound(
  { atLeast, atMost, takenAt, customers }: Bound,
  shown: (limit: number | string) => string,
): string {
  const limits = [
    ...(atLeast === undefined ? [] : [`at least ${shown(atLeast)}`]),
    ...(atMost === undefined ? [] : [`at most ${shown(atMost)}`]),
  ];
  const says = limits.length > 0 ? limits.join(' and ') : customers === 0 ? 'nobody' : 'any';
  return `${says}, taken over ${customers} customers as of ${takenAt}`;
}

type Bound = NonNullable<NonNullable<ExplainedNode['condition']>['bound']>;
type Fact = NonNullable<ExplainedNode['condition']>['facts'][number];

function describeFact(fact: Fact): string {
  const says = (words: string, value: string | number | undefined) =>
    value === undefined ? [] : [`${words}${value}`];
  const properties = Object.entries(fact.properties ?? {}).map(([name, value]) => `${name} = ${value}`);
  return [
    ...says('', fact.orderedAt ?? fact.occurredAt),
    ...says('order ', fact.orderId),
    ...says('store ', fact.storeId),
    ...says('total ', fact.total),
    ...says('', fact.status),
    ...says('event ', fact.event),
    ...properties,
    ...(fact.trait === undefined ? [] : [`${fact.trait} = ${fact.value ?? ''}`]),
    ...(fact.model === undefined
      ? []
      : [`${fact.model}${fact.version ? ` ${fact.version}` : ''}: ${fact.score}`]),
    ...says('valid until ', fact.validUntil),
    ...says('on the list ', fact.list),
  ].join('  ');
}
