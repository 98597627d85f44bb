// An administrator's message into everybody's inbox.

import { $ } from "./element.js";
import { question } from "./dialogs.js";
import { session } from "./tab.js";
import { toast, working } from "./telling.js";

$("send-message").addEventListener("click", async (click) => {
  const button = click.currentTarget;
  const asked = await question("Write to everybody", "It lies in everyone's inbox until they have it, online or not.", { yes: "Send", message: true, label: "Message" });
  if (!asked?.message) return;
  await working(button, async () => {
    const { data } = await session.request("POST", "/v1/admin/notifications", { body: { message: asked.message } });
    toast("ok", `Sent to ${data.count} ${data.count === 1 ? "person" : "people"}.`);
  });
});
