#include "app/operator_commands.h"

#include <unistd.h>

#include <fstream>
#include <iostream>

#include "api/json_writer.h"
#include "app/demo.h"
#include "app/installation.h"
#include "base/text.h"
#include "base/time.h"
#include "identity/accounts.h"
#include "jobs/node.h"
#include "members/community_settings.h"
#include "members/fields.h"
#include "members/members.h"

namespace fealty::app {
namespace {

// The parts that these commands use, opened for one of them.
struct Desk {
  explicit Desk(StorageSettings const& s) : database((prepare_data_folder(s), open_database(s))), numbers(0), keys(*database, numbers) {
    ensure_schema(*database, Upgrade::no);
    node.emplace(*database, numbers);
  }
  std::unique_ptr<sql::Database> database;
  NumberSource numbers;
  access::KeyService keys;
  std::optional<jobs::Node> node;
  access::Actor actor{"operator", "shell:" + std::to_string(::getuid()), "command line"};

  CommunityNo community(std::string const& text) {
    auto const id = PublicId::parse(text);
    if (!id) throw OperatorError("\"" + text + "\" is not a community's id (24 hex digits). List them with: fealty community list");
    return value(database->read([&](sql::Tx& tx) { return access::find_community(tx, *id); }));
  }
  template <class T>
  static T value(Result<T> result) {
    if (result) return std::move(*result);
    std::string text = result.error().message;
    for (auto const& issue : result.error().issues) text += "\n  " + (issue.field.empty() ? "" : issue.field + ": ") + issue.message;
    throw OperatorError(text);
  }
};

api::PermissionSet read_permissions(std::string const& text) {
  if (text == "all") return api::PermissionSet::everything();
  api::PermissionSet set;
  std::vector<std::string> unknown;
  for (auto const part : split(text, ',')) {
    auto const word = trim_space(part);
    if (auto const permission = api::find_permission(word))
      set.add(*permission);
    else
      unknown.emplace_back(word);
  }
  if (unknown.empty()) return set;
  std::vector<std::string> known;
  for (auto const& info : api::all_permissions()) known.emplace_back(info.identifier);
  throw OperatorError("There is no permission " + join(unknown, ", ") + ". There are: all, " + join(known, ", ") + ".");
}

struct Options {
  StorageSettings storage;
  bool json = false;
  std::string community, title, owner_email, time_zone = "UTC";
  std::string name, permissions, id, email, foreign_key_file;
  std::int64_t expire_days = 0;
  members::CommunityChange change;
  members::NewField field;
  int custom_fields_max = Limits().custom_fields_max;
};

int create_community(Options const& o) {
  Desk desk(o.storage);
  members::CommunityService service(*desk.database, desk.numbers, desk.keys);
  auto const made = Desk::value(service.create({o.title, o.owner_email, o.time_zone}, desk.actor, system_now()));
  if (o.json) {
    api::JsonWriter w;
    w.begin_object()
        .key("communityId")
        .string(made.community.to_string())
        .key("ownerId")
        .string(made.owner.to_string())
        .key("systemKey")
        .string(made.system_key)
        .end_object();
    std::cout << w.take() << "\n";
  } else {
    std::cout << "Community   " << made.community.to_string() << "\nOwner       " << made.owner.to_string() << " (" << o.owner_email
              << ")\nSystem key  " << made.system_key << "\n\nThe key is shown this once: keep it in a safe place.\n";
  }
  return 0;
}

int list_communities(Options const& o) {
  Desk desk(o.storage);
  members::CommunityService service(*desk.database, desk.numbers, desk.keys);
  auto const all = service.list();
  if (o.json) {
    api::JsonWriter w;
    w.begin_array();
    for (auto const& c : all)
      w.begin_object().key("_id").string(c.id.to_string()).key("title").string(c.title).key("members").integer(c.members).end_object();
    std::cout << w.end_array().take() << "\n";
  } else {
    for (auto const& c : all) std::cout << c.id.to_string() << "  " << c.members << " members  " << c.title << "\n";
    if (all.empty())
      std::cout << "There is no community yet. Make one: fealty community create --title \"My club\" --owner-email me@example.org\n";
  }
  return 0;
}

int set_community(Options const& o) {
  Desk desk(o.storage);
  auto const set =
      Desk::value(members::change_community(*desk.database, desk.numbers, desk.community(o.community), o.change, desk.actor, system_now()));
  if (o.json) {
    std::cout << "{\"_id\":\"" << o.community << "\"," << set << "}\n";
    return 0;
  }
  if (auto const days = o.change.file_retention_days)
    std::cout << "Files and rows of bulk jobs that end from now on are kept " << *days << (*days == 1 ? " day.\n" : " days.\n");
  std::cout << "Set: " << set << "\n";
  return 0;
}

int create_key(Options const& o) {
  Desk desk(o.storage);
  access::NewKey key{access::KeyKind::community, o.name, read_permissions(o.permissions), o.expire_days};
  if (!o.foreign_key_file.empty()) {
    std::ifstream file(o.foreign_key_file);
    std::string line;
    if (!std::getline(file, line)) throw OperatorError("There is no key in " + o.foreign_key_file + ".");
    key.foreign = trim_space(line);
  }
  auto const made = Desk::value(desk.keys.create(desk.community(o.community), key, desk.actor, system_now()));
  if (o.json) {
    api::JsonWriter w;
    w.begin_object().key("_id").string(made.id.to_string()).key("key").string(made.key).end_object();
    std::cout << w.take() << "\n";
  } else {
    std::cout << "Key id  " << made.id.to_string() << "\nKey     " << made.key
              << "\n\nThe key is shown this once: keep it in a safe place.\n";
  }
  return 0;
}

int list_keys(Options const& o) {
  Desk desk(o.storage);
  auto const now = system_now();
  auto const keys = desk.keys.list(desk.community(o.community));
  auto state = [&](access::KeySummary const& k) {
    return k.revoked_at ? "revoked" : k.expires_at && *k.expires_at <= now ? "expired" : "active";
  };
  if (o.json) {
    api::JsonWriter w;
    w.begin_array();
    for (auto const& k : keys) {
      w.begin_object()
          .key("_id")
          .string(k.id.to_string())
          .key("name")
          .string(k.name)
          .key("kind")
          .string(k.kind == access::KeyKind::system ? "system" : "community");
      w.key("key").string(k.prefix + "…").key("state").string(state(k)).key("permissions").begin_array();
      for (auto const& p : k.permissions.identifiers()) w.string(p);
      w.end_array().key("createdAt").string(to_iso(k.created_at)).key("expireDate");
      if (k.expires_at)
        w.string(to_iso(*k.expires_at));
      else
        w.null();
      w.end_object();
    }
    std::cout << w.end_array().take() << "\n";
  } else {
    for (auto const& k : keys)
      std::cout << k.id.to_string() << "  " << k.prefix << "…  " << state(k) << "  " << k.name << "  "
                << (k.permissions.bits() == api::PermissionSet::everything().bits() ? "all" : join(k.permissions.identifiers(), ","))
                << "\n";
  }
  return 0;
}

int revoke_key(Options const& o) {
  Desk desk(o.storage);
  auto const id = PublicId::parse(o.id);
  if (!id)
    throw OperatorError("\"" + o.id + "\" is not a key's id (24 hex digits). List them with: fealty api-key list --community " +
                        o.community);
  auto const key = Desk::value(desk.keys.revoke(desk.community(o.community), *id, desk.actor, system_now()));
  if (o.json)
    std::cout << "{\"_id\":\"" << key.id.to_string() << "\",\"state\":\"revoked\"}\n";
  else
    std::cout << "Revoked " << key.prefix << "… (" << key.name << "). Every node refuses it from now on.\n";
  return 0;
}

int create_field(Options const& o) {
  Desk desk(o.storage);
  members::FieldService service(*desk.database, desk.numbers, o.custom_fields_max);
  auto const field = Desk::value(service.create(desk.community(o.community), o.field, desk.actor, system_now()));
  if (o.json) {
    api::JsonWriter w;
    w.begin_object()
        .key("_id")
        .string(field.id().to_string())
        .key("field")
        .string(field.key)
        .key("name")
        .string(field.name)
        .key("type")
        .string(to_string(field.type))
        .end_object();
    std::cout << w.take() << "\n";
  } else {
    std::cout << "Field " << field.name << " (" << field.key << ", " << to_string(field.type) << ") is there.\n";
  }
  return 0;
}

int remove_field(Options const& o) {
  Desk desk(o.storage);
  members::FieldService service(*desk.database, desk.numbers);
  auto const field = Desk::value(service.remove(desk.community(o.community), o.name, desk.actor, system_now()));
  std::cout << "Field " << field.name << " is gone from reads and files; its values and history stay, hidden.\n";
  return 0;
}

int create_named(Options const& o, bool role) {
  Desk desk(o.storage);
  members::FieldService service(*desk.database, desk.numbers);
  CommunityNo const community = desk.community(o.community);
  auto const made = Desk::value(role ? service.create_role(community, o.name, desk.actor, system_now())
                                     : service.create_tag(community, o.name, desk.actor, system_now()));
  std::cout << (role ? "Role " : "Tag ") << made.name << " is there.\n";
  return 0;
}

int claim_link(Options const& o) {
  Desk desk(o.storage);
  identity::AccountDesk accounts(*desk.database, desk.numbers);
  auto const made = Desk::value(accounts.claim_link(o.email, desk.actor, system_now()));
  if (o.json) {
    api::JsonWriter w;
    w.begin_object()
        .key("username")
        .string(made.username)
        .key("token")
        .string(made.link_text)
        .key("path")
        .string("/claim?token=" + made.link_text);
    std::cout << w.end_object().take() << "\n";
  } else {
    std::cout << "Username  " << made.username << "\nLink      /claim?token=" << made.link_text
              << "\n\nWho follows it on this installation, or sends its token to /auth/claim, chooses the account's password. It works "
                 "once, for 24 hours.\n";
  }
  return 0;
}

int set_operator(Options const& o, bool is_operator) {
  Desk desk(o.storage);
  identity::AccountDesk accounts(*desk.database, desk.numbers);
  auto const username = Desk::value(accounts.set_operator(o.email, is_operator, desk.actor, system_now()));
  if (o.json) {
    api::JsonWriter w;
    w.begin_object().key("username").string(username).key("operator").boolean(is_operator);
    std::cout << w.end_object().take() << "\n";
  } else {
    std::cout << username
              << (is_operator ? " is an operator: he may make communities and give them hosts.\n" : " is no operator any more.\n");
  }
  return 0;
}

int demo(Options const& o) {
  Desk desk(o.storage);
  auto const members = make_demo(*desk.database, desk.numbers, desk.community(o.community), desk.actor, system_now());
  if (o.json)
    std::cout << "{\"members\":" << members << "}\n";
  else
    std::cout << "Made " << members << " members with fields, roles, tags and balances.\n";
  return 0;
}

int renew_secret(Options const& o) {
  Desk desk(o.storage);
  identity::AccountDesk(*desk.database, desk.numbers).renew_secret(desk.actor, system_now());
  std::cout << "Sessions and second factors are given up. Stop all servers, and start them with one new secret file, or none: the first "
               "start makes it.\n";
  return 0;
}

int set_account(Options const& o, bool disabled) {
  Desk desk(o.storage);
  identity::AccountDesk accounts(*desk.database, desk.numbers);
  auto const username = Desk::value(accounts.set_disabled(o.email, disabled, desk.actor, system_now()));
  if (o.json)
    std::cout << "{\"username\":\"" << username << "\",\"disabled\":" << (disabled ? "true" : "false") << "}\n";
  else
    std::cout << (disabled ? "Disabled " : "Enabled ") << username
              << (disabled ? ". Its sessions have ended; every node refuses it from now on.\n" : ". It may sign in again.\n");
  return 0;
}

}  // namespace

void add_operator_commands(CLI::App& app, std::vector<std::function<int()>>& chosen) {
  auto options = std::make_shared<Options>();
  auto command = [&](CLI::App& parent, std::string const& name, std::string const& help, std::function<int(Options const&)> run) {
    auto* sub = parent.add_subcommand(name, help);
    add_storage_options(*sub, options->storage);
    sub->add_flag("--json", options->json, "Answer as JSON");
    sub->callback([options, run = std::move(run), &chosen] { chosen.emplace_back([options, run] { return run(*options); }); });
    return sub;
  };
  auto with_community = [&](CLI::App* sub) {
    sub->add_option("--community", options->community, "Id of the community")->required();
    return sub;
  };

  auto* community = app.add_subcommand("community", "Make, list and change communities")->require_subcommand(1);
  auto* create = command(*community, "create", "Make a community with its owner and its system key", create_community);
  create->add_option("--title", options->title, "Title, 1 to 100 characters")->required();
  create->add_option("--owner-email", options->owner_email, "E-mail of the owner")->required();
  create->add_option("--time-zone", options->time_zone, "IANA time zone whose midnight begins a day")->capture_default_str();
  command(*community, "list", "List the communities", list_communities);
  auto* set = with_community(command(*community, "set", "Change a community; what is not named stays", set_community));
  auto& change = options->change;
  set->add_option("--file-retention-days", change.file_retention_days, "Days that files and rows of bulk jobs are kept after their end")
      ->check(CLI::Range(1, static_cast<int>(members::kFileRetentionDaysMax)));
  set->add_option("--api-log-days", change.api_log_days, "Days that rows of the API log are kept")
      ->check(CLI::Range(1, static_cast<int>(members::kApiLogDaysMax)));
  set->add_option("--log-reads", change.log_reads, "Whether reads that succeed stand in the API log, too: true or false");
  set->add_option("--host", change.host, "Name under which the community's own pages and secureAuth answer; \"\" = none");
  set->add_option("--open-registration", change.open_registration, "Whether anybody may register and join: true or false");
  set->add_option("--secure-auth-administrators", change.secure_auth_administrators,
                  "Whether secureAuth signs owners and administrators in as such: true or false");
  set->add_option("--second-factor-required", change.second_factor_required,
                  "Whether owners and administrators need a second factor: true or false");
  set->add_option("--mail-include-passwords", change.mail_include_passwords,
                  "Whether mails may carry a password that the community gave: true or false");
  set->add_option_function<std::string>(
         "--anonymous-import",
         [options](std::string const& text) { options->change.anonymous_import = jobs::parse_anonymous_import(text); },
         "What imports without a key may do: off (nothing), create_only (add people), full (as those with a key)")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(jobs::kAnonymousImports), std::end(jobs::kAnonymousImports))));
  set->add_option("--restore-days", change.restore_days, "Days that deleted members can be restored")
      ->check(CLI::Range(1, static_cast<int>(members::kRestoreDaysMax)));

  auto* key = app.add_subcommand("api-key", "Make, list and revoke API keys")->require_subcommand(1);
  auto* key_create = with_community(command(*key, "create", "Make a community API key", create_key));
  key_create->add_option("--name", options->name, "Name, unique among the community's keys")->required();
  key_create->add_option("--permissions", options->permissions, "Permissions, comma-separated, or all")->required();
  key_create->add_option("--expire-days", options->expire_days, "Days until it expires; 0 = never")
      ->check(CLI::Range(0, 3'650))
      ->capture_default_str();
  key_create
      ->add_option("--foreign-key-file", options->foreign_key_file,
                   "File with a key of another system (40 or 64 hex digits) that is to open this community too")
      ->check(CLI::ExistingFile);
  with_community(command(*key, "list", "List keys; secrets are never shown again", list_keys));
  with_community(command(*key, "revoke", "Stop a key on every node", revoke_key))
      ->add_option("--id", options->id, "Id of the key")
      ->required();

  auto* field = app.add_subcommand("field", "Define custom fields of members")->require_subcommand(1);
  auto* field_create = with_community(command(*field, "create", "Define a field", create_field));
  field_create->add_option("--name", options->field.name, "Display name: the CSV column")->required();
  field_create->add_option("--type", options->field.type, "single-line-text, multi-line-text, numerical, date, boolean or select")
      ->required();
  field_create->add_option("--key", options->field.key, "Stored key; default: from the name");
  field_create->add_option("--description", options->field.description, "Up to 500 characters");
  field_create->add_option("--option", options->field.options, "Option of a select (repeatable)");
  field_create->add_option("--default", options->field.default_value, "Shown for members without a value");
  field_create->add_flag("--required", options->field.required, "Cannot be cleared");
  add_custom_fields_max_option(*field_create, options->custom_fields_max);
  field_create->add_flag("--identifier", options->field.identifier, "Values are unique and name a member");
  with_community(command(*field, "remove", "Remove a field; values and history stay, hidden", remove_field))
      ->add_option("--name", options->name, "Name or key of the field")
      ->required();

  auto* account = app.add_subcommand("account", "Let people into their accounts, or keep them out")->require_subcommand(1);
  auto with_email = [&](CLI::App* sub) { sub->add_option("--email", options->email, "E-mail of the account")->required(); };
  with_email(command(*account, "claim-link", "Print a link that claims an account, or sets a new password, once", claim_link));
  with_email(
      command(*account, "disable", "End an account's sessions and refuse it", [](Options const& o) { return set_account(o, true); }));
  with_email(command(*account, "enable", "Let a disabled account in again", [](Options const& o) { return set_account(o, false); }));

  with_email(command(*account, "make-operator", "Let an account make communities and give them hosts",
                     [](Options const& o) { return set_operator(o, true); }));
  with_email(command(*account, "no-operator", "Take that back", [](Options const& o) { return set_operator(o, false); }));
  with_community(command(app, "demo", "Fill a community with a few hundred invented members", demo));

  auto* secret = app.add_subcommand("secret", "The installation's secret")->require_subcommand(1);
  command(*secret, "renew", "Give up what a lost secret file enciphered: all sessions and second factors", renew_secret);

  auto* role = app.add_subcommand("role", "Make roles")->require_subcommand(1);
  with_community(command(*role, "create", "Make a role without permissions", [](Options const& o) { return create_named(o, true); }))
      ->add_option("--title", options->name, "Title, 1 to 50 characters")
      ->required();
  auto* tag = app.add_subcommand("tag", "Make tags")->require_subcommand(1);
  with_community(command(*tag, "create", "Make a tag", [](Options const& o) { return create_named(o, false); }))
      ->add_option("--name", options->name, "Name, 1 to 50 characters")
      ->required();
}

}  // namespace fealty::app
