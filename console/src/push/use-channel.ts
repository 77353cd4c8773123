import { onlineManager, type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { accessToken, anotherToken, currentSession, onSession } from "#/api/session";
import { type ChannelOptions, PushChannel } from "#/push/channel";

type Handlers = Pick<ChannelOptions, "onEvent" | "onGap" | "onPoll">;

/** The channel of `path` as the user who is logged in; for what goes on when its page is left. */
export function openChannel(path: string, handlers: Handlers): PushChannel {
  const channel = new PushChannel({
    open: () => new WebSocket(addressOf(path)),
    token: async (refused) => {
      if (refused !== null) await anotherToken(refused);
      return accessToken();
    },
    ...handlers,
  });
  onSession(() => currentSession().kind === "anonymous" && channel.forget());
  onlineManager.subscribe((isOnline) => isOnline && channel.retryNow());
  return channel;
}

/** A hook that watches `path` as long as its component is shown, and says whether the server pushes. */
export function channelHook(path: string, handlersOf: (client: QueryClient) => Handlers): () => boolean {
  const channels = new WeakMap<QueryClient, PushChannel>();
  const channelOf = (client: QueryClient) => {
    const existing = channels.get(client);
    if (existing) return existing;
    const channel = openChannel(path, handlersOf(client));
    channels.set(client, channel);
    return channel;
  };
  return () => {
    const channel = channelOf(useQueryClient());
    useEffect(() => channel.join(), [channel]);
    return useSyncExternalStore(channel.subscribe, () => channel.state === "live");
  };
}

function addressOf(path: string): string {
  const address = new URL(path, window.location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}
