// The permissions of roles, grouped as people think of them. Each belongs to one of the two sets of the API.
import type { Role } from "../../-catalogue";
import type { texts } from "./-roles.texts";

export type PermissionSet = "serverPermissions" | "channelPermissions";
export const permissionGroups: { group: keyof typeof texts.groups; set: PermissionSet; names: string[] }[] = [
  {
    group: "community",
    set: "serverPermissions",
    names: [
      "server_administrator",
      "manage_roles",
      "manage_channels",
      "broadcast_messages",
      "overwrite_language_settings",
    ],
  },
  {
    group: "people",
    set: "serverPermissions",
    names: ["warn_members", "suspend_members", "kick_members", "ban_members", "create_invite", "allow_dm"],
  },
  {
    group: "channels",
    set: "channelPermissions",
    names: [
      "view_message_history",
      "post_messages",
      "post_analysis",
      "share_links",
      "attach_files",
      "share_Attachments",
      "allow_mentions",
      "pinable",
      "delete_messages",
      "manage_messages",
    ],
  },
];

/** What nobody may have by merely being a member. */
export const notForEverybody = new Set([
  "server_administrator",
  "kick_members",
  "ban_members",
  "manage_roles",
  "manage_channels",
]);

export const allows = (role: Role, set: PermissionSet, name: string): boolean =>
  (role[set] as Record<string, boolean>)[name] === true;
