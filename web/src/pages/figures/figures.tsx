// A titled grid of figures.

/** One figure; its value carries `data-testid="stat-<id>"`. */
export interface Figure {
  id: string;
  label: string;
  value: string;
}

/** The grid. */
export function Figures({ title, figures }: { title: string; figures: readonly Figure[] }) {
  return (
    <section class="stack stack-tight">
      <h2 class="figures-title">{title}</h2>
      <dl class="figures">
        {figures.map(({ id, label, value }) => (
          <div key={id} class="figures-one">
            <dt>{label}</dt>
            <dd class="figure" data-testid={`stat-${id}`}>
              {value}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
