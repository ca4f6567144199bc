import { type Clients, connectClients } from "./clients.ts";
import { createServices, type Service, type Services } from "./service.ts";
import { withStores } from "./with-stores.ts";

/** A service on stores of its own, and clients of it: from the first test of the surrounding suite on. */
export type RunningService = {
  readonly service: Service;
  readonly clients: Clients;
};

/** Called in a `describe`: starts a service before its tests, and ends all that it started after them. */
export function withService(): RunningService {
  const stores = withStores();
  let services: Services;
  let service: Service;
  let clients: Clients;

  before("service", async () => {
    services = createServices(stores.env);
    service = await services.start();
    clients = connectClients(service.url);
  });
  after("service", () => services.end());

  return {
    get service() {
      return service;
    },
    get clients() {
      return clients;
    },
  };
}
