// Words that stand at the heart of passwords which are guessed first. Our own list: keyboard walks, counting, names of
// things that people see when they are asked for a password, seasons, months, days, first names, teams and tender words.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "access/passwords.h"
#include "base/text.h"

namespace fealty::access {
namespace {

constexpr std::string_view kCommon[] = {
    // What one is asked for.
    "password", "passwort", "passwd", "passphrase", "passcode", "password password", "mypassword", "newpassword", "yourpassword",
    "thepassword", "secret", "topsecret", "mysecret", "secretword", "login", "loginlogin", "logmein", "letmein", "letmeinnow", "signin",
    "open", "opensesame", "access", "accessgranted", "account", "admin", "administrator", "adminadmin", "root", "rootroot", "superuser",
    "user", "username", "guest", "guestguest", "test", "testtest", "tester", "testing", "testuser", "demo", "demodemo", "default",
    "changeme", "changemenow", "change", "temp", "temporary", "temppass", "pass", "passpass", "passpasspass", "welcome", "welcomehome",
    "welcomeback", "hello", "hellohello", "helloworld", "hallo", "bonjour", "master", "mastermaster", "manager", "system", "server",
    "computer", "laptop", "internet", "network", "website", "windows", "linux", "android", "iphone", "samsung", "google", "facebook",
    "youtube", "twitter", "instagram", "microsoft", "example", "community", "company", "office", "business", "money", "bitcoin",
    // Walks over the keyboard and counting.
    "qwerty", "qwertyuiop", "qwertyui", "qwertz", "qwertzuiop", "azerty", "azertyuiop", "asdf", "asdfgh", "asdfghjk", "asdfghjkl",
    "asdfasdf", "zxcvbn", "zxcvbnm", "yxcvbnm", "qazwsx", "qazwsxedc", "qweasd", "qweasdzxc", "qweqwe", "asdasd", "zxczxc", "abc", "abcd",
    "abcde", "abcdef", "abcdefg", "abcdefgh", "abcdefghi", "abcabc", "aaaaaa", "aaaaaaaa", "xxxxxx", "xxxxxxxx", "zzzzzzzz", "onetwothree",
    "qwerasdf", "poiuytrewq", "lkjhgfdsa", "mnbvcxz",
    // Seasons, months, days.
    "spring", "summer", "autumn", "winter", "january", "february", "march", "april", "june", "july", "august", "september", "october",
    "november", "december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "sunshine", "holiday", "birthday",
    "christmas", "vacation",
    // What people love.
    "iloveyou", "loveyou", "love", "lovelove", "lover", "mylove", "loveme", "forever", "together", "sweetheart", "darling", "princess",
    "prince", "angel", "angels", "baby", "babygirl", "family", "friends", "friend", "mother", "father", "daddy", "mommy", "sister",
    "brother", "football", "fussball", "baseball", "basketball", "hockey", "soccer", "tennis", "liverpool", "chelsea", "arsenal",
    "barcelona", "realmadrid", "juventus", "bayern", "manchester", "yankees", "cowboys", "lakers", "monkey", "dragon", "tiger", "lion",
    "eagle", "shadow", "phoenix", "butterfly", "unicorn", "kitty", "puppy", "chocolate", "cookie", "banana", "cheese", "coffee", "pokemon",
    "pikachu", "minecraft", "starwars", "superman", "batman", "spiderman", "matrix", "ninja", "pirate", "hunter", "killer", "warrior",
    "knight", "wizard", "magic", "freedom", "whatever", "nothing", "trustno", "trustme", "nopassword", "blink", "music", "guitar",
    "mustang", "ferrari", "porsche", "mercedes", "harley", "london", "paris", "berlin", "newyork", "america", "canada",
    // First names that lead such lists.
    "michael", "michelle", "jennifer", "jessica", "ashley", "daniel", "david", "robert", "thomas", "charlie", "jordan", "george", "andrew",
    "joshua", "matthew", "anthony", "amanda", "nicole", "maria", "anna", "alexander", "benjamin", "samantha", "jasmine", "hannah", "oliver",
    "sophie", "lucas", "maggie", "buster", "ginger", "pepper", "tigger", "snoopy", "simpson", "donald"};

// Signs that stand for letters.
char plain(char c) {
  switch (c) {
    case '@':
    case '4': return 'a';
    case '3': return 'e';
    case '1':
    case '!': return 'i';
    case '0': return 'o';
    case '$':
    case '5': return 's';
    case '7': return 't';
    default: return c;
  }
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80; }

// Without what people put before and behind a word to please a rule.
std::string_view core(std::string_view text) {
  while (!text.empty() && !is_letter(text.front())) text.remove_prefix(1);
  while (!text.empty() && !is_letter(text.back())) text.remove_suffix(1);
  return text;
}

bool is_listed(std::string_view word) {
  static std::vector<std::string_view> const sorted = [] {
    std::vector<std::string_view> all(std::begin(kCommon), std::end(kCommon));
    std::sort(all.begin(), all.end());
    return all;
  }();
  return std::binary_search(sorted.begin(), sorted.end(), word);
}

// Digits and signs alone: a date, a telephone number, counting.
bool has_no_letter(std::string_view text) { return std::none_of(text.begin(), text.end(), is_letter); }

bool is_one_character_repeated(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return c == text.front(); });
}

}  // namespace

bool is_common_password(std::string_view password) {
  auto const folded = fold_case(password);
  if (folded.empty() || is_one_character_repeated(folded) || (has_no_letter(folded) && folded.size() < 16)) return true;
  // Look-alikes are read as letters only inside of the word: "summer1!" ends in a number, "p4ssw0rd1!" begins with a letter.
  auto const word = core(folded);
  std::string read(word);
  std::transform(read.begin(), read.end(), read.begin(), plain);
  std::string whole(folded);
  std::transform(whole.begin(), whole.end(), whole.begin(), plain);
  return is_listed(word) || is_listed(read) || is_listed(whole) || is_listed(core(whole));
}

}  // namespace fealty::access
