// The page for addresses that lead nowhere.
import { LinkButton } from "../../ui/button";
import { mount } from "../../ui/mount";
import { Head, Shell } from "../../ui/shell";

function NotFound() {
  return (
    <Shell width="narrow">
      <div class="stack stack-loose" data-testid="not-found">
        <Head title="Nothing to see from here">
          No page has this address. The link may be mistyped, or from another version of this
          server.
        </Head>
        <div class="row">
          <LinkButton href="/" look="primary">
            Go to your devices
          </LinkButton>
        </div>
      </div>
    </Shell>
  );
}

mount(<NotFound />);
