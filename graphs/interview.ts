/** Entry point of the graph server: scenarios/user-interviews.yaml, read anew for every run. */
import { openConversation } from "../src/app.ts";

export const graph = () => openConversation("user-interviews");
