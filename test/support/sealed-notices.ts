import type { TestHub } from './hub.ts';
import { waitUntil } from './until.ts';

interface SealedNotice {
  id: string;
  kind: string;
  number: string;
  sealed: boolean;
  url: string;
}

/** Waits until every notice of a case has a file: those that bear a seal are sealed after the step. Oldest first. */
export async function waitForNotices(hub: TestHub, id: string, person = 'auditor'): Promise<SealedNotice[]> {
  const query = 'query($id: ID!) { case(id: $id) { notices { id: uuid kind number sealed url } } }';
  return waitUntil('every notice has a file', async () => {
    const { notices } = (await hub.ask(person, query, { id })).data.case;
    return notices.every(({ url }: { url: string | null }) => url !== null) && notices;
  });
}
