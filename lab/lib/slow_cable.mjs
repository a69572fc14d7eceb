// A cable to the internet that takes its time: two devices of the program in `slow_link`, one of
// them moved to where the cable leads.
import { once } from 'node:events';
import { shell, start } from './namespaces.mjs';

const BUILT = process.env.CARGO_TARGET_DIR ?? new URL('../slow_link/target', import.meta.url).pathname;
const PROGRAM = `${BUILT}/debug/slow_link`;

export class SlowCable {
  /// Lays it from `outside` in a namespace to the internet's interface `port`; neither is up yet.
  static async lay(namespace, port, delayMs) {
    const cable = new SlowCable();
    const loose = `${port}-end`;
    cable.program = start(null, PROGRAM, loose, port, String(delayMs));
    await once(cable.program.stdout, 'data');
    await shell(null, [`ip link set ${loose} netns ${namespace} name outside`]);
    return cable;
  }

  /// Ends the program; its devices go with it.
  cut() {
    this.program.kill();
  }
}
