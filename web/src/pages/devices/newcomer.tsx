// What a browser sees that is no device yet.
import { BrandMark } from "../../ui/brand";
import { Head } from "../../ui/shell";

/** Explains the two ways in: a setup link, or being paired by another device. */
export function Newcomer({ serverIsSetUp }: { serverIsSetUp: boolean | null }) {
  return (
    <div class="stack stack-loose" data-testid="newcomer">
      <div class="newcomer-mark">
        <BrandMark />
      </div>
      <Head title="Your devices, in each other's sight">
        Heliograph links your own phone and laptop directly: live video, still pictures and
        messages, encrypted between the two of them.
      </Head>
      {serverIsSetUp === false ? <FirstSetup /> : <JoinIn />}
    </div>
  );
}

function FirstSetup() {
  return (
    <section class="card stack" aria-labelledby="first">
      <h2 id="first">This server waits for its first device</h2>
      <ol class="steps">
        <li>
          Look at the terminal where <code>helio serve</code> runs: it shows a setup link and its
          code.
        </li>
        <li>Open that link here, or scan the code with the device that should be first.</li>
        <li>
          The link lasts 15 minutes. For a fresh one, run <code>helio setup</code> on the server.
        </li>
      </ol>
    </section>
  );
}

function JoinIn() {
  return (
    <section class="card stack" aria-labelledby="ways">
      <h2 id="ways">This browser is not one of your devices yet</h2>
      <ol class="steps">
        <li>
          On a device that you already use here, open Heliograph and choose “Pair another device”.
        </li>
        <li>Scan its code with this device's camera, or open the link that it shows.</li>
        <li>Compare the four words, and you are linked.</li>
      </ol>
      <p class="faint">
        No device left? Run <code>helio setup</code> on the server and open the link it prints.
      </p>
    </section>
  );
}
