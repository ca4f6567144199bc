const STEPS_MAX = 20;

/**
 * Opens a page as a browser does, with cookies and redirects, and submits its form with these answers, and
 * the form of the page after it, until a page has none. Returns that page.
 */
export async function submitForms(url: string, answers: Readonly<Record<string, string>>): Promise<string> {
  const cookies = new Map<string, string>();
  let next: { readonly url: string; readonly body?: URLSearchParams } = { url };
  let isAnswered = false;
  for (let step = 0; step < STEPS_MAX; step++) {
    const response = await fetch(next.url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map((pair) => pair.join("=")).join("; "), accept: "text/html" },
      ...(next.body === undefined ? {} : { method: "POST", body: next.body }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
    const page = await response.text();
    const location = response.headers.get("location");
    if (location !== null) {
      next = { url: new URL(location, next.url).href };
      continue;
    }
    const form = /<form.*?<\/form>/s.exec(page)?.[0];
    const action = form === undefined ? undefined : /action="([^"]*)"/.exec(form)?.[1];
    // A form that comes back after an abortion asks for another code.
    if (form === undefined || action === undefined || (isAnswered && "abort" in answers)) return page;
    const inputs = [...form.matchAll(/<input[^>]*>/g)].map(([input]) => input);
    const given = inputs.map((input) => [attribute(input, "name"), attribute(input, "value")] as const);
    isAnswered = given.some(([name]) => name === "confirm");
    const values = given.map(([name, value]) => [name, answers[name] ?? value]);
    if (isAnswered && "abort" in answers) values.push(["abort", answers["abort"] ?? ""]);
    next = { url: new URL(action, next.url).href, body: new URLSearchParams(values as string[][]) };
  }
  throw new Error(`${url}: still a form after ${STEPS_MAX} steps`);
}

function attribute(input: string, name: string): string {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(input)?.[1] ?? "";
}
