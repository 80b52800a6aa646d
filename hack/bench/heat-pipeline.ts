// A connection that only writes: commands go out as text, and of the answers nothing is read but the server's time, which marks
// how far it has come. It costs a client next to nothing, so that what is measured is Redis and the observer.
import { createConnection, type Socket } from 'node:net';

const timeReply = /\*2\r\n\$\d+\r\n(\d+)\r\n\$\d+\r\n(\d+)\r\n/g;
const longestTimeReply = 40;

export const timeCommand = '*1\r\n$4\r\nTIME\r\n';

/** A command as the protocol writes it. ASCII only: lengths are counted in characters. */
export function commandText(...parts: readonly string[]): string {
  let text = `*${parts.length}\r\n`;
  for (const part of parts) text += `$${part.length}\r\n${part}\r\n`;
  return text;
}

export class Pipeline {
  readonly #socket: Socket;
  readonly #onTime: (epochMilliseconds: number) => void;
  #rest = '';

  private constructor(socket: Socket, onTime: (epochMilliseconds: number) => void) {
    this.#socket = socket;
    this.#onTime = onTime;
    socket.on('data', (text: string) => {
      this.#read(text);
    });
  }

  /** `onTime` is called for each TIME that was sent, in their order, with what it said. An error of Redis ends the process. */
  static async open(port: number, onTime: (epochMilliseconds: number) => void): Promise<Pipeline> {
    const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
    socket.setEncoding('latin1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new Pipeline(socket, onTime);
  }

  write(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    const all = this.#rest + text;
    const error = /^-[A-Z].*$/m.exec(all);
    if (error) throw new Error(`Redis: ${error[0]}`);
    let end = 0;
    for (const match of all.matchAll(timeReply)) {
      end = match.index + match[0].length;
      this.#onTime(Number(match[1]) * 1_000 + Number(match[2]) / 1_000);
    }
    // The last line may go on with the next text.
    this.#rest = all.slice(Math.max(end, all.length - longestTimeReply));
  }
}
