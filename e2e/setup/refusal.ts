// What the API server says to an object that it refuses by its schema.
import { ApiRefusal } from '../../hack/api/client.ts';

/** The server's words, or undefined when it accepts. */
export async function refusal(answer: Promise<unknown>): Promise<string | undefined> {
  try {
    await answer;
    return undefined;
  } catch (error) {
    if (error instanceof ApiRefusal && (error.status === 422 || error.status === 400)) return error.message;
    throw error;
  }
}
