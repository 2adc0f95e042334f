/** The port of webhooks in memory: the oracle of its drivers. */
import { bodyWithout, type DeadLetter, type StoredWebhook, type WebhookStore } from '../webhook.ts';

export function openMemoryWebhookStore(): WebhookStore {
  const webhooks = new Map<string, StoredWebhook>();
  let letters: readonly DeadLetter[] = [];
  let letterNo = 0;
  const move = (id: string, position: number) => {
    const stored = webhooks.get(id);
    if (stored !== undefined) webhooks.set(id, { ...stored, position });
  };
  const ofWebhook = (id: string) => letters.filter((letter) => letter.webhookId === id);
  return {
    list: async () => [...webhooks.values()].sort((a, b) => (a.webhook.id < b.webhook.id ? -1 : 1)),
    async put(webhook, position) {
      webhooks.set(webhook.id, { webhook, position: webhooks.get(webhook.id)?.position ?? position });
    },
    async remove(id) {
      letters = letters.filter((letter) => letter.webhookId !== id);
      return webhooks.delete(id);
    },
    async savePositions(positions) {
      for (const [id, position] of positions) move(id, position);
    },
    async bury(letter, position) {
      letterNo++;
      letters = [...letters, { ...letter, letterNo }];
      move(letter.webhookId, position);
    },
    deadLetters: async (id, limit) => ofWebhook(id).slice(0, limit),
    deadLetterCount: async (id) => ofWebhook(id).length,
    async removeDeadLetter(no) {
      letters = letters.filter((letter) => letter.letterNo !== no);
    },
    async forget(customerIds) {
      const ids = new Set(customerIds);
      letters = letters.flatMap((letter) => {
        const body = bodyWithout(letter.body, ids);
        return body === undefined ? [] : [{ ...letter, body }];
      });
    },
  };
}
