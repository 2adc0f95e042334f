/** Privacy: a customer is forgotten, and somebody who comes back is taken in again. No line of the log says who. */
import { Type } from 'typebox';
import { answers, CustomerIdSchema } from './answer-schemas.ts';
import { type Api, coreOf, type RouteContext } from './context.ts';
import { checkCustomerId } from './customer-id.ts';

const CustomerPath = Type.Object({ id: CustomerIdSchema });

const ErasureAnswer = Type.Object({
  batchNo: Type.Integer({
    description: 'Answers are without the customer once their mark is at this batch or above.',
  }),
});

/** Puts the routes on a server. */
export function addErasureRoutes(api: Api, context: RouteContext): void {
  api.delete(
    '/v1/customers/:id',
    {
      schema: {
        tags: ['Facts'],
        summary: 'Forget a customer',
        description:
          'Removes all facts about the customer, durably; within the next tick the memberships, and the entries and exits in the log of changes. Facts about them that arrive later are dropped. The same answer for somebody never heard of, or forgotten before.',
        params: CustomerPath,
        response: answers(ErasureAnswer, 202),
      },
    },
    async (request, reply) => {
      checkCustomerId(request.params.id, 'customer');
      const { batchNo } = await coreOf(context).eraseCustomer(request.params.id);
      request.log.info({ batchNo }, 'a customer was erased');
      return reply.code(202).send({ batchNo });
    },
  );

  api.post(
    '/v1/customers/:id/readmission',
    {
      schema: {
        tags: ['Facts'],
        summary: 'Take in a customer who was forgotten, and is back',
        description:
          'Facts that arrive from now on count again, as of somebody new. The same answer for somebody who was never forgotten.',
        params: CustomerPath,
        response: answers(Type.Object({ customer: CustomerIdSchema })),
      },
    },
    async (request) => {
      checkCustomerId(request.params.id, 'customer');
      await coreOf(context).readmitCustomer(request.params.id);
      return { customer: request.params.id };
    },
  );
}
