// The table of all settings. Numbers of the effort come from pipeline/effort.h, so that a new one
// is a flag, a variable and a key without another word.
#include <algorithm>

#include "apps/settings.h"
#include "pipeline/effort.h"

namespace apps {
namespace {

std::vector<Setting> make_common() {
  std::vector<Setting> all{
      {"base-url", "URL", "OpenAI-compatible server, with its /v1; again for more servers", "",
       "Model"},
      {"model", "NAME", "model that the server is asked for; without a server, a model's directory",
       "", "Model"},
      {"api-key-file", "FILE", "file with the key; else OPENAI_API_KEY is used", "", "Model"},
      {"temperature", "T",
       "sampling temperature; a model's generation_config.json may advise another", "1",
       "Sampling"},
      {"top-p", "P", "nucleus sampling", "0.95", "Sampling"},
      {"max-tokens", "N", "most tokens of one answer, reasoning included", "65536", "Sampling"},
      {"extra-body", "JSON", "fields added to every request, such as chat_template_kwargs", "",
       "Model"},
      {"stream", "yes|no", "ask for a stream of events", "yes", "Model"},
      {"weights", "as-is|bf16|q8", "how a model of this machine keeps its weights", "as-is",
       "Engine"},
      {"latents", "as-is|fp8",
       "fp8: keeps what attention reads of a token in little more than half the memory", "as-is",
       "Engine"},
      {"device", "auto|cpu|cuda",
       "what a model of this machine runs on; auto: a card if one can be used", "auto", "Engine"},
      {"threads", "N", "threads that compute; else all that this process may use", "", "Engine"},
      {"context", "N", "longest prompt and answer together, in tokens; else the model's", "",
       "Engine"},
      {"cache", "BYTES", "memory for what has been read; else half of what is free", "", "Engine"},
      {"running", "N", "most answers that are made at once", "64", "Engine"},
      {"numerics", "plain|published",
       "published: rounds what it remembers as DeepSeek's servers do", "plain", "Engine"},
      {"thinking", "yes|no", "let the model reason first; else if it can", "", "Engine"},
      {"seed", "N", "what all randomness of the run derives from", "1", "Sampling"},
      {"effort", "NAME", "quick, standard, heavy, paper or sequential: a set of the numbers below",
       "standard", "Loop"}};
  for (const pipeline::EffortNumber& number : pipeline::effort_numbers())
    all.push_back({std::string(number.name), "N", std::string(number.help), "", "Loop"});
  const std::vector<Setting> rest{
      {"rule", "NAME", "rule of acceptance: unanimous, label, mean, majority, min, median", "",
       "Loop"},
      {"grammar", "off|verdict",
       "verdict: a judge that is a model of this machine can end with a verdict line only", "off",
       "Loop"},
      {"mean-threshold", "X", "from which mean the rule `mean` accepts", "", "Loop"},
      {"stop-early", "yes|no", "stop voting once it is settled", "", "Loop"},
      {"prompts", "DIR", "directory whose templates replace the shipped ones", "", "Loop"},
      {"calibration", "FILE", "calibration file: prints the expected false-accept rate", "",
       "Loop"},
      {"budget-calls", "N", "most calls of the run", "", "Limits"},
      {"budget-tokens", "N", "most tokens of the run, prompts included", "", "Limits"},
      {"budget-cost", "X", "most money of the run, in the currency of the prices", "", "Limits"},
      {"budget-time", "TIME", "longest time of this sitting", "", "Limits"},
      {"price-prompt", "X", "price of a million prompt tokens", "0", "Limits"},
      {"price-output", "X", "price of a million output tokens", "0", "Limits"},
      {"in-flight", "N", "most calls at once", "64", "Limits"},
      {"items-in-flight", "N", "most problems or submissions at once", "64", "Limits"},
      {"attempts", "N", "most sendings of one call", "8", "Limits"},
      {"connect-timeout", "TIME", "to be connected", "10s", "Limits"},
      {"first-token-timeout", "TIME", "from sending to the first token", "10m", "Limits"},
      {"token-timeout", "TIME", "from token to token", "2m", "Limits"},
      {"call-timeout", "TIME", "of one sending of a call, in all", "2h", "Limits"},
      {"outage-timeout", "TIME", "how long every server may be down before the run stops", "5m",
       "Limits"},
      {"grace", "TIME", "for calls in flight after an interrupt", "10s", "Limits"},
      {"db", "FILE", "the ledger", "", "Storage"},
      {"display", "auto|full|plain|none", "what is shown on stderr meanwhile", "auto", "Output"}};
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

std::vector<Setting> make_role() {
  return {{"model", "NAME", "model for this role", "", "Role"},
          {"directory", "DIR",
           "a model's directory: this process answers for the role, whatever server is named", "",
           "Role"},
          {"base-url", "URL", "server for this role", "", "Role"},
          {"api-key-file", "FILE", "file with the key", "", "Role"},
          {"api-key-env", "NAME", "environment variable with the key", "", "Role"},
          {"temperature", "T", "sampling temperature", "", "Role"},
          {"top-p", "P", "nucleus sampling", "", "Role"},
          {"top-k", "N", "top-k sampling", "", "Role"},
          {"min-p", "P", "min-p sampling", "", "Role"},
          {"max-tokens", "N", "most tokens of one answer", "", "Role"},
          {"extra-body", "JSON", "fields added to every request", "", "Role"},
          {"price-prompt", "X", "price of a million prompt tokens", "", "Role"},
          {"price-output", "X", "price of a million output tokens", "", "Role"}};
}

}  // namespace

std::span<const Setting> common_settings() {
  static const std::vector<Setting> settings = make_common();
  return settings;
}

std::span<const Setting> role_settings() {
  static const std::vector<Setting> settings = make_role();
  return settings;
}

}  // namespace apps
