import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../model/ports.js';

/** The machine's own time. A sleep that is aborted rejects with the signal's reason at once and leaves no timer. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(milliseconds, signal) {
    try {
      await pause(milliseconds, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      // Node wraps the reason in an AbortError of its own.
      throw signal?.aborted === true ? signal.reason : error;
    }
  },
};
