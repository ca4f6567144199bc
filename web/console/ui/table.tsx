import type { ComponentChildren } from "preact";

export type Column<Row> = {
  readonly title: string;
  /** True: a number, aligned to the right with digits of one width. */
  readonly isNumber?: boolean;
  /** True: this cell names the row. */
  readonly isHead?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
};

type TableProps<Row> = {
  /** What the table shows, for a screen reader. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string | number;
};

/** On a narrow screen each row becomes a card, whose values carry the titles of their columns. */
export function Table<Row>({ caption, columns, rows, keyOf }: TableProps<Row>) {
  return (
    <table class="table">
      <caption class="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ title, isNumber }) => (
            <th key={title} scope="col" class={isNumber ? "number" : undefined}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map((column) => (
              <Cell key={column.title} column={column} row={row} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cell<Row>({ column, row }: { readonly column: Column<Row>; readonly row: Row }) {
  const { title, isNumber, isHead, cell } = column;
  const inner = (
    <>
      <span class="cell-title" aria-hidden="true">
        {title}
      </span>
      <span class="cell-value">{cell(row)}</span>
    </>
  );
  const className = isNumber ? "number" : undefined;
  return isHead ? (
    <th scope="row" class={className}>
      {inner}
    </th>
  ) : (
    <td class={className}>{inner}</td>
  );
}
