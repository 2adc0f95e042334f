/**
 * A plug-in that brings a source of facts, `points`: what customers of a loyalty programme earned and spent.
 * Its condition adds the points up, within a window or ever, all of them or those of one campaign.
 */
import {
  type ConditionAccumulator,
  definePlugin,
  factSource,
  formatDuration,
  type OccurrenceView,
  parseDuration,
} from 'coterie/plugin';

/** A row of the facts. */
interface PointsRow {
  readonly customer_id: string;
  readonly entry_id: string;
  readonly at: string;
  /** Above 0: earned; below: spent. */
  readonly points: number;
  readonly campaign?: string;
}

/** As people write it: `points: { sum: { atLeast: 100 }, within: 30d }`. */
interface WrittenPoints {
  readonly sum: { readonly atLeast: number };
  readonly within?: string;
  readonly campaign?: string;
}

/** What the condition is calculated from. */
interface PointsParams {
  readonly atLeast: number;
  readonly withinS?: number;
  readonly campaign?: string;
}

const CAMPAIGN = {
  type: 'string',
  title: 'Name of a campaign',
  description: 'Which campaign gave the points.',
  examples: ['spring'],
  minLength: 1,
  maxLength: 100,
} as const;

/** Points that the condition counts. */
class PointsSum implements ConditionAccumulator {
  readonly #params: PointsParams;
  readonly #after: number;
  #sum = 0;

  constructor(params: PointsParams, moment: number) {
    this.#params = params;
    this.#after = params.withinS === undefined ? Number.NEGATIVE_INFINITY : moment - params.withinS;
  }

  begin(): void {
    this.#sum = 0;
  }

  add({ occurredAt, numbers, values }: OccurrenceView): void {
    if (occurredAt <= this.#after) return;
    if (this.#params.campaign !== undefined && values[1] !== 0) return;
    this.#sum += numbers[0]!;
  }

  holds(): boolean {
    return this.#sum >= this.#params.atLeast;
  }
}

const points = factSource<PointsRow, WrittenPoints, PointsParams>({
  name: 'points',
  description: 'Points that customers of the loyalty programme earned and spent.',
  row: {
    type: 'object',
    title: 'Entry of points',
    description: 'What a customer earned or spent at a moment.',
    properties: {
      customer_id: { type: 'string', title: 'Id of a customer' },
      entry_id: {
        type: 'string',
        title: 'Id of the entry',
        description: 'Sending it again changes nothing.',
      },
      at: { type: 'string', title: 'Date or time' },
      points: {
        type: 'integer',
        title: 'Whole number of points',
        description: 'Above 0: earned; below: spent.',
        minimum: -1_000_000,
        maximum: 1_000_000,
      },
      campaign: CAMPAIGN,
    },
    required: ['customer_id', 'entry_id', 'at', 'points'],
    additionalProperties: false,
  },
  read: (row) => {
    if (row.points === 0) return { reason: 'an entry of no points' };
    return {
      customerId: row.customer_id,
      id: row.entry_id,
      name: row.points > 0 ? 'earned' : 'spent',
      occurredAt: row.at,
      properties: { points: row.points, ...(row.campaign === undefined ? {} : { campaign: row.campaign }) },
    };
  },
  condition: {
    schema: {
      type: 'object',
      title: 'Condition on points',
      description: 'A test on what a customer earned less what they spent.',
      examples: [
        { sum: { atLeast: 100 }, within: '30d' },
        { sum: { atLeast: 20 }, campaign: 'spring' },
      ],
      properties: {
        sum: {
          type: 'object',
          title: 'Bound of the sum',
          description: 'At least so many points.',
          examples: [{ atLeast: 100 }],
          properties: {
            atLeast: {
              type: 'integer',
              title: 'Whole number of points from 1',
              description: 'Inclusive.',
              examples: [100],
              minimum: 1,
              maximum: 1_000_000_000,
            },
          },
          required: ['atLeast'],
          additionalProperties: false,
        },
        within: {
          type: 'string',
          title: 'Window',
          description: 'How far back to look; ever when left out.',
          examples: ['30d'],
          pattern: '^0*[1-9][0-9]{0,5}(s|m|h|d|w)$',
        },
        campaign: CAMPAIGN,
      },
      required: ['sum'],
      additionalProperties: false,
    },
    normalize: ({ sum, within, campaign }, refuse) => {
      const withinS = within === undefined ? undefined : parseDuration(within);
      if (withinS !== undefined && withinS < 60)
        refuse({ expected: 'a window of a minute or more', found: `${within}` }, 'within');
      return {
        atLeast: sum.atLeast,
        ...(withinS === undefined ? {} : { withinS }),
        ...(campaign === undefined ? {} : { campaign }),
      };
    },
    describe: ({ atLeast, withinS, campaign }) =>
      `at least ${atLeast} points${campaign === undefined ? '' : ` of ${campaign}`} ${withinS === undefined ? 'ever' : `within ${formatDuration(withinS)}`}`,
    looksAt: ({ campaign }) => ({
      names: ['earned', 'spent'],
      properties: [
        { name: 'points' },
        ...(campaign === undefined ? [] : [{ name: 'campaign', values: [campaign] }]),
      ],
    }),
    offsets: ({ withinS }) => (withinS === undefined ? [] : [withinS]),
    accumulator: (params, moment) => new PointsSum(params, moment),
    naive: ({ atLeast, withinS, campaign }, occurrences, moment) => {
      const counted = occurrences
        .filter(({ occurredAt }) => withinS === undefined || occurredAt > moment - withinS)
        .filter(({ properties }) => campaign === undefined || properties.campaign === campaign);
      const sum = counted.reduce((total, { properties }) => total + Number(properties.points), 0);
      return { holds: sum >= atLeast, value: sum };
    },
    sql: ({ atLeast, withinS, campaign }, { occurrences, moment, text, number, property }) => `
      SELECT customer_no FROM ${occurrences}
      WHERE name IN ('earned', 'spent')
        ${withinS === undefined ? '' : `AND occurred_at > ${moment - withinS}`}
        ${campaign === undefined ? '' : `AND ${property('campaign')} = ${text(campaign)}`}
      GROUP BY customer_no HAVING sum(${number('points')}) >= ${atLeast}`,
  },
});

export default definePlugin({ name: 'loyalty', sources: [points] });
