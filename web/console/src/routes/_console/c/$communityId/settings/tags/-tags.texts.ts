import { defineTexts } from "~/texts/texts";
import { titles } from "../-titles.texts";

export const texts = defineTexts({
  en: {
    title: titles.tags,
    lead: "Words that group members for filters, segments and files. They allow nothing by themselves.",
    none: "No tags yet",
    noneText: "Mark members with a tag such as “Newsletter” or “Trial”, then filter by it.",
    create: "New tag",
    rename: "Rename",
    renameTitle: (name: string) => `Rename ${name}`,
    renameText: "Members keep it under its new name. Files that name the old one are refused from then on.",
    name: "Name",
    nameHint: "1 to 50 characters, without a comma.",
    required: "This is needed.",
    members: "Members",
    created: "Created",
    renameLabel: (name: string) => `Rename the tag ${name}`,
    deleteLabel: (name: string) => `Delete the tag ${name}`,
    deleteTitle: (name: string) => `Delete ${name}?`,
    deleteText: (members: string) => `${members} lose it at once. Filters and segments that ask for it find nobody.`,
    deleteUnused: "No member has it.",
    deleted: "The tag is deleted.",
    saved: "Saved",
    one: "member",
    many: "members",
  },
});
