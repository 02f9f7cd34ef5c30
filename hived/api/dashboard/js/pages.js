/* The pages, a row each: app.js and the router read them here, and hive-apid reads their paths for its own routes.

`title` names the page in the browser and in the navigation; a page without one sets its own. `nav`: it has a link there,
for whom `role` lets. `gate`: for those who are not logged in. */
import { AccessPage } from "./access/access.js";
import { LoginPage } from "./access/login.js";
import { SetupPage } from "./access/setup.js";
import { AlertPage } from "./alerts/alert.js";
import { AlertsPage } from "./alerts/alerts.js";
import { SitePage } from "./appliance/site.js";
import { CollectingPage } from "./collecting/collecting.js";
import { EventsPage } from "./miners/events.js";
import { FleetPage } from "./miners/fleet.js";
import { MinerPage } from "./miners/miner.js";
import { ModelsPage } from "./miners/models.js";
import { OrderPage } from "./miners/order.js";
import { OrdersPage } from "./miners/orders.js";
import { NodesPage } from "./nodes/nodes.js";

export const PAGES = [
  { path: "/", title: "Fleet", page: FleetPage, nav: true },
  { path: "/miners/{mac}", page: MinerPage },
  { path: "/orders", title: "Orders", page: OrdersPage, nav: true },
  { path: "/orders/{id}", page: OrderPage },
  { path: "/alerts", title: "Alerts", page: AlertsPage, nav: true },
  { path: "/alerts/{id}", page: AlertPage },
  { path: "/nodes", title: "Nodes", page: NodesPage, nav: true },
  { path: "/models", title: "Models", page: ModelsPage, nav: true },
  { path: "/collecting", title: "Collecting", page: CollectingPage, nav: true },
  { path: "/site", title: "Site", page: SitePage, nav: true },
  { path: "/events", title: "Events", page: EventsPage, nav: true },
  { path: "/access", title: "Access", page: AccessPage, nav: true, role: "admin" },
  { path: "/login", title: "Log in", page: LoginPage, gate: true },
  { path: "/setup", title: "Set up", page: SetupPage, gate: true },
];
