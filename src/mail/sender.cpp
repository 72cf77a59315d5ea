#include "mail/sender.h"

#include "access/one_time.h"
#include "api/json_tree.h"
#include "base/log.h"
#include "base/text.h"
#include "mail/outbox_store.h"

namespace fealty::mail {
namespace {

constexpr std::int64_t kLookEveryMs = 500, kCleanEveryMs = 3'600'000;
constexpr std::int64_t kMailsPerTransaction = 1'000;
constexpr std::size_t kReasonBytesMax = 300;

// How a mail's secret is drawn, and where its link leads.
struct Letter {
  std::string_view name;
  std::string_view page;
  std::string_view purpose = {};  // empty: the link holds no secret
  std::int64_t link_ms = 0;
  bool code = false;
};
constexpr Letter kLetters[] = {
    {"verify_email", "verify-email", "verify_email", access::kVerifyLinkMs, true},
    {"sign_in", "sign-in"},
    {"claim", "claim", "claim", access::kClaimLinkMs},
    {"reset_password", "reset-password", "reset_password", access::kResetLinkMs},
    {"set_password", "set-password", "set_password", access::kClaimLinkMs},
    {"community_password", "sign-in"},
    {"email_changed", "sign-in"},
    {"invitation", "sign-in"},
    {"administrator", "sign-in"},
    {"second_factor_off", "forgot-password"},
};

void add_facts(std::string const& json, Values& values) {
  api::JsonTree tree;
  std::vector<Issue> issues;
  if (!tree.parse(json, issues)) return;
  for (auto const member : tree.root())
    if (member.kind() == api::JsonKind::string || member.kind() == api::JsonKind::number)
      values.insert_or_assign(std::string(member.name()), std::string(member.text()));
}

std::int64_t pause_after(int attempts) {
  auto pause = Sender::kFirstPauseMs;
  for (int i = 1; i < attempts && pause < Sender::kPauseMsMax; ++i) pause *= 2;
  return std::min(pause, Sender::kPauseMsMax);
}

// The first number that could be drawn at that time: what was queued before has a smaller one.
std::int64_t first_number_at(TimeMs time) {
  return std::max<TimeMs>(0, time - NumberSource::kEpochMs) << (NumberSource::kNodeBits + NumberSource::kCounterBits);
}

}  // namespace

Sender::Sender(sql::Database& database, std::unique_ptr<Transport> transport, SenderSettings settings)
    : database_(database), transport_(std::move(transport)), settings_(std::move(settings)) {}

Sender::~Sender() { stop(); }

Message Sender::message_of(QueuedMail const& queued, TimeMs now) {
  NewMail const& mail = queued.mail;
  if (!is_sendable(mail.recipient)) throw TemplateError("its recipient is no address");
  Values values{{"community", "Fealty"},
                {"username", ""},
                {"name", ""},
                {"code", ""},
                {"recipient", mail.recipient},
                {"public_url", settings_.public_url},
                {"link", settings_.public_url}};
  return database_.write([&](sql::Tx& tx) {
    if (auto title = community_title(tx, mail.community)) values.insert_or_assign("community", *std::move(title));
    auto const person = mail_person(tx, mail.account);
    if (person) values.insert_or_assign("username", person->username);
    add_facts(mail.facts_json, values);

    std::string_view name = mail.template_name;
    if (name == "sign_in_or_claim") name = person && person->unclaimed ? "claim" : "sign_in";
    auto const letter = std::find_if(std::begin(kLetters), std::end(kLetters), [&](Letter const& l) { return l.name == name; });
    // Letters that this list does not know have no secrets; their text is all that they need.
    if (letter != std::end(kLetters)) {
      std::string link = settings_.public_url + "/" + std::string(letter->page);
      if (!letter->purpose.empty())
        link += "?token=" + access::issue_link(tx, letter->purpose, mail.account, mail.community, mail.facts_json, now, letter->link_ms);
      values.insert_or_assign("link", std::move(link));
      if (letter->code)
        values.insert_or_assign("code", access::issue_code(tx, letter->purpose, fold_case(mail.recipient), mail.account, now,
                                                           access::kCodeMs, access::kCodeAttempts));
    }
    return Message{.from = settings_.from,
                   .to = mail.recipient,
                   .id = std::to_string(queued.number) + "-" + std::to_string(queued.attempts),
                   .text = render(find_template(settings_.templates_folder, mail.language, name), values),
                   .at = now};
  });
}

bool Sender::send_one() {
  TimeMs const now = settings_.clock();
  if (now < not_before_) return false;
  auto const leased = database_.write([&](sql::Tx& tx) { return lease_mails(tx, now, now + kLeaseMs, 1); });
  if (leased.empty()) return false;
  auto const& mail = leased.front();
  std::optional<Message> message;
  try {
    message = message_of(mail, now);
  } catch (TemplateError const& e) {
    note(mail, {Delivery::Outcome::later, "the mail cannot be written: " + std::string(e.what())});
    return true;
  }
  note(mail, transport_->send(*message));
  return true;
}

void Sender::note(QueuedMail const& mail, Delivery const& delivery) {
  using enum Delivery::Outcome;
  TimeMs const now = settings_.clock();
  auto const reason = delivery.reason.substr(0, kReasonBytesMax);
  if (delivery.outcome == sent) {
    database_.write([&](sql::Tx& tx) { mark_sent(tx, mail.number, mail.attempts, now); });
    log::info("mail.sent", {{"mail", mail.number}, {"template", mail.mail.template_name}, {"attempt", mail.attempts}});
    return;
  }
  TimeMs const again = now + pause_after(mail.attempts);
  bool const over = delivery.outcome == refused || again > mail.created_at + kGiveUpMs;
  database_.write([&](sql::Tx& tx) {
    over ? mark_failed(tx, mail.number, mail.attempts, reason, now) : put_back(tx, mail.number, mail.attempts, reason, again);
  });
  log::warning(over ? "mail.failed" : "mail.put_back",
               {{"mail", mail.number}, {"template", mail.mail.template_name}, {"attempt", mail.attempts}, {"reason", reason}});
  if (delivery.outcome == unreachable) not_before_ = now + kUnreachablePauseMs;
}

std::int64_t Sender::remove_old() {
  std::int64_t removed = 0, some = kMailsPerTransaction;
  auto const before = first_number_at(settings_.clock() - kKeptMs);
  while (some == kMailsPerTransaction) {
    some = database_.write([&](sql::Tx& tx) { return remove_mails(tx, before, kMailsPerTransaction); });
    removed += some;
  }
  return removed;
}

void Sender::start() {
  thread_ = std::thread([this] { run(); });
}

void Sender::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (!thread_.joinable()) return;
  transport_->interrupt();
  thread_.join();
}

void Sender::wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_all();
}

void Sender::run() {
  std::int64_t next_clean_ms = 0;
  bool failing = false;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (stopping_) return;
    }
    bool more = false;
    try {
      // A look costs a read of the index; a lease is tried when something's time has come.
      auto const due = database_.read([](sql::Tx& tx) { return next_mail_at(tx); });
      more = due && *due <= settings_.clock() && send_one();
      if (steady_now_ms() >= next_clean_ms) {
        remove_old();
        next_clean_ms = steady_now_ms() + kCleanEveryMs;
      }
      failing = false;
    } catch (std::exception const& e) {
      if (!std::exchange(failing, true)) log::error("mail.sender_failed", {{"reason", e.what()}});
    }
    if (more) continue;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, std::chrono::milliseconds(kLookEveryMs), [&] { return stopping_ || woken_; });
    woken_ = false;
  }
}

}  // namespace fealty::mail
