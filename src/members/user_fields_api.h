// What the operations of field definitions take and give (user-data.md §2).
#pragma once
#include "api/schema.h"

namespace fealty::members {

struct FieldCreator {
  std::string _id;
  std::int64_t id = 0;
  std::optional<std::string> avatar, displayName;
  std::string username;
};
struct FieldIdentifier {
  bool enabled = false;
  std::optional<std::string> dataAttribute;
};
struct UserFieldOut {
  std::string _id, field, name, type, description;
  bool required = false;
  api::Json defaultValue;
  std::vector<std::string> options;
  std::string visibility;
  bool memberEditable = false;
  std::optional<FieldIdentifier> identifier;
  bool isCustom = true;
  std::optional<FieldCreator> creator;
  std::string communityId, createdAt, updatedAt;
};

struct CreateUserFieldIn {
  std::string name, type;
  std::optional<std::string> field, description;
  std::optional<bool> required;
  api::Json defaultValue;
  std::optional<std::vector<std::string>> options;
  std::optional<std::string> visibility;
  std::optional<bool> memberEditable;
  api::Json identifier;
};
struct UserFieldsQuery {
  std::int64_t page = 1, limit = 20;
  std::optional<std::string> sort, search, fields, type, filter;
};
struct UserFieldSettings {
  std::int64_t historyRetentionDays = 0;
};
struct ChangeUserFieldSettings {
  std::int64_t historyRetentionDays = 0;
  std::optional<bool> confirm;
};
struct DeletedUserField {
  std::string _id;
};

inline constexpr std::string_view kFieldOrigins[] = {"default", "custom"};
inline constexpr std::string_view kFieldTypes[] = {"single-line-text", "text", "multi-line-text", "numerical",
                                                   "number",           "date", "boolean",         "select"};
inline constexpr std::string_view kFieldVisibilities[] = {"admin", "member", "public"};

}  // namespace fealty::members

namespace fealty::api {
using members::kFieldOrigins;
using members::kFieldTypes;
using members::kFieldVisibilities;
}  // namespace fealty::api

#define FEALTY_F(T, name, ...) field<&fealty::members::T::name>(#name, __VA_ARGS__)

FEALTY_SCHEMA(fealty::members::FieldCreator, FEALTY_F(FieldCreator, _id, "Id of the account."), FEALTY_F(FieldCreator, id, "Short id."),
              FEALTY_F(FieldCreator, avatar, "Address of the picture."), FEALTY_F(FieldCreator, displayName, "Display name."),
              FEALTY_F(FieldCreator, username, "Username."))
FEALTY_SCHEMA(fealty::members::FieldIdentifier, FEALTY_F(FieldIdentifier, enabled, "Values are unique in the community and name a member."),
              FEALTY_F(FieldIdentifier, dataAttribute, "Attribute of pages that carries the value.", {.example = "\"data-customer-id\""}))
FEALTY_SCHEMA(fealty::members::UserFieldOut, FEALTY_F(UserFieldOut, _id, "Id of the field."),
              FEALTY_F(UserFieldOut, field, "The stored key; it never changes.", {.example = "\"deposit-amount\""}),
              FEALTY_F(UserFieldOut, name, "Display name, and header of the CSV column.", {.example = "\"Deposit amount\""}),
              FEALTY_F(UserFieldOut, type, "As it was sent.", {.one_of = kFieldTypes}),
              FEALTY_F(UserFieldOut, creator, "The person who made it; null for keys, imports and the system."),
              FEALTY_F(UserFieldOut, communityId, "Id of the community."),
              FEALTY_F(UserFieldOut, createdAt, "When it was made.", {.format = "date-time"}),
              FEALTY_F(UserFieldOut, updatedAt, "When it was last changed.", {.format = "date-time"}),
              FEALTY_F(UserFieldOut, description, "For people."), FEALTY_F(UserFieldOut, required, "It cannot be cleared."),
              FEALTY_F(UserFieldOut, defaultValue, "Shown for members who have no value of their own."),
              FEALTY_F(UserFieldOut, options, "Of a select."),
              FEALTY_F(UserFieldOut, visibility, "Who sees the value.", {.one_of = kFieldVisibilities}),
              FEALTY_F(UserFieldOut, memberEditable, "The member may set it himself."),
              FEALTY_F(UserFieldOut, identifier, "Set when the field identifies members."),
              FEALTY_F(UserFieldOut, isCustom, "false: kept by the system."))
FEALTY_SCHEMA(fealty::members::CreateUserFieldIn,
              FEALTY_F(CreateUserFieldIn, name, "1 to 100 characters.",
                       {.min = 1, .max = 100, .required = true, .example = "\"Deposit amount\""}),
              FEALTY_F(CreateUserFieldIn, type, "Type of the values.", {.one_of = kFieldTypes, .required = true}),
              FEALTY_F(CreateUserFieldIn, field, "The key, 1 to 50 characters; made from the name when absent. Fixed once it is made.",
                       {.max = 100, .example = "\"deposit-amount\""}),
              FEALTY_F(CreateUserFieldIn, description, "For people.", {.max = 500}),
              FEALTY_F(CreateUserFieldIn, required, "It cannot be cleared."),
              FEALTY_F(CreateUserFieldIn, defaultValue, "A value of the type, or null for none."),
              FEALTY_F(CreateUserFieldIn, options, "1 to 200 distinct texts; with select, and only with it.", {.max = 1'000}),
              FEALTY_F(CreateUserFieldIn, visibility, "admin when absent.", {.one_of = kFieldVisibilities}),
              FEALTY_F(CreateUserFieldIn, memberEditable, "The member may set it himself."),
              FEALTY_F(CreateUserFieldIn, identifier, "{enabled, dataAttribute}, or null."))
FEALTY_SCHEMA(fealty::members::UserFieldsQuery,
              field<&fealty::members::UserFieldsQuery::page>("page", "Page, from 1.", {.min = 1, .max = 1'000'000, .example = "1"}),
              field<&fealty::members::UserFieldsQuery::limit>("limit", "Items of a page; 20 when not given.",
                                                              {.min = 1, .max = 100, .example = "20"}),
              FEALTY_F(UserFieldsQuery, sort, "createdAt, name or field, with :asc or :desc.", {.example = "\"createdAt:asc\""}),
              FEALTY_F(UserFieldsQuery, search, "keyword:TEXT in key and name.", {.max = 200}),
              FEALTY_F(UserFieldsQuery, fields, "Members of the answer, separated by commas.", {.max = 500}),
              FEALTY_F(UserFieldsQuery, type, "default or custom ones alone.", {.one_of = kFieldOrigins}),
              FEALTY_F(UserFieldsQuery, filter, "visibility:admin, visibility:member or visibility:public.", {.max = 100}))
FEALTY_SCHEMA(fealty::members::UserFieldSettings, FEALTY_F(UserFieldSettings, historyRetentionDays,
                                                           "Days for which items of history are kept; 0: for ever.", {.example = "365"}))
FEALTY_SCHEMA(fealty::members::ChangeUserFieldSettings,
              FEALTY_F(ChangeUserFieldSettings, historyRetentionDays, "7 to 3,650 days; 0: for ever.",
                       {.min = 0, .max = 3'650, .required = true, .example = "365"}),
              FEALTY_F(ChangeUserFieldSettings, confirm, "Needed where items would be removed sooner."))
FEALTY_SCHEMA(fealty::members::DeletedUserField, FEALTY_F(DeletedUserField, _id, "Id of the field that is gone."))
#undef FEALTY_F
