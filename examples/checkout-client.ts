// A checkout that asks which discounts apply, and never breaks: without a server it goes on with none.
// Run it beside `npm start`, or alone: node --import tsx examples/checkout-client.ts [url]
import { CoterieClient } from '../src/client/client.ts';

const coterie = new CoterieClient({
  url: process.argv[2] ?? 'http://127.0.0.1:8080',
  // A page waits no longer than this for its discounts.
  timeoutMs: 100,
  retries: 0,
  fallback: false,
  onFallback: (error) => console.error(`no discounts this time: ${error.message}`),
});

const answer = await coterie.check('customer-17', ['lapsed-big-spender', 'new-at@store-3']);
const discounts = Object.keys(answer.memberships).filter((key) => answer.memberships[key]);
console.log(
  `discounts: ${discounts.join(', ') || 'none'} (${answer.source}, as of ${answer.asOf ?? 'no moment'})`,
);
