/**
 * A plug-in that brings a segment type, `win-back`: customers who were regulars of some stores and stopped
 * coming. Parameters in, rule out: whoever writes a definition says when, not how.
 */
import { definePlugin, segmentType, WindowSchema, type WrittenStores } from 'coterie/plugin';

interface WinBackParams {
  readonly stores?: WrittenStores;
  readonly orders?: number;
  readonly silent: string;
}

const winBack = segmentType<WinBackParams>({
  name: 'win-back',
  description: 'Customers with several orders in the stores, but none within the window.',
  params: {
    type: 'object',
    title: 'Parameters of win-back',
    description:
      'Since when they are silent, in which stores (all when left out), and how many orders make a regular (3).',
    examples: [{ silent: '60d' }, { stores: { brand: 'burger-house' }, orders: 5, silent: '90d' }],
    properties: {
      stores: { $ref: 'Stores' },
      orders: {
        type: 'integer',
        title: 'Whole number of orders from 1',
        description: 'How many orders make a regular.',
        examples: [3],
        minimum: 1,
        maximum: 1000,
      },
      silent: WindowSchema,
    },
    required: ['silent'],
    additionalProperties: false,
  },
  // Problems with these fields of the rule are told at the parameters that they come from.
  parameterOf: { count: 'orders', within: 'silent' },
  rule: ({ stores, orders = 3, silent }) => {
    const inStores = stores === undefined ? {} : { stores };
    return {
      all: [
        { orders: { ...inStores, count: { atLeast: orders } } },
        { not: { orders: { ...inStores, within: silent } } },
      ],
    };
  },
});

export default definePlugin({ name: 'win-back', segmentTypes: [winBack] });
