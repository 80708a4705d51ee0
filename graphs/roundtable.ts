/** Entry point of the graph server: scenarios/product-roundtable.yaml, read anew for every run. */
import { openConversation } from "../src/app.ts";

export const graph = () => openConversation("product-roundtable");
