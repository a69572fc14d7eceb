// Conversations stay where they are until they are deleted.
import { IDBFactory } from "fake-indexeddb";
import { expect, test } from "vitest";
import { LlmHistory, type Conversation } from "../src/sdk/llm_history";

const conversation = (id: string, updated: number): Conversation => ({
  id,
  title: `About ${id}`,
  updated,
  turns: [{ by: "self", text: "Hello", at: updated }],
});

test("conversations are listed with the newest first, as they were last kept", async () => {
  const factory = new IDBFactory();
  const history = await LlmHistory.open(factory);
  for (const [id, updated] of [
    ["a", 1],
    ["b", 3],
    ["c", 2],
  ] as const) {
    await history.put(conversation(id, updated));
  }
  await history.put(conversation("a", 4));
  const later = await LlmHistory.open(factory);
  expect((await later.list()).map(({ id }) => id)).toEqual(["a", "b", "c"]);
});

test("a deleted conversation is gone, and so are all of them", async () => {
  const history = await LlmHistory.open(new IDBFactory());
  for (const id of ["a", "b", "c"]) await history.put(conversation(id, 1));
  await history.delete("b");
  expect((await history.list()).map(({ id }) => id)).toEqual(["a", "c"]);
  await history.deleteAll();
  expect(await history.list()).toEqual([]);
});

test("a browser that does not open its memory says so", async () => {
  const factory = new IDBFactory();
  // As a later version of the page left it.
  const later = factory.open("heliograph-chats", 2);
  await new Promise((resolve) => (later.onsuccess = resolve));
  await expect(LlmHistory.open(factory)).rejects.toMatchObject({ code: "storage" });
});
