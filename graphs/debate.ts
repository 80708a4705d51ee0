/** Entry point of the graph server: scenarios/design-debate.yaml, read anew for every run. */
import { openConversation } from "../src/app.ts";

export const graph = () => openConversation("design-debate");
