#include "prompts/talk_words.h"

#include <algorithm>
#include <string>
#include <unordered_set>

namespace prompts {
namespace {

constexpr std::size_t kPhraseIdeographsMax = 8;

using Words = std::unordered_set<std::string_view>;

Words split(std::string_view text) {
  Words words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.insert(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

const Words& talk_words() {
  static const Words words = split(
      // English
      "let lets us me i we you our your my this that these those the a an it its is are be been "
      "was "
      "will would shall should can could may might must do does need needs want have has to of in "
      "on "
      "for with by at from into as and or but so if then now here there first firstly next finally "
      "begin begins start starts started starting beginning solve solves solving solved solution "
      "solutions answer answers proof proofs prove proves proving proved problem problems question "
      "task exercise statement claim result step steps think thinking thought thoughts process "
      "carefully careful care detail detailed details approach strategy plan idea ideas overview "
      "analysis analyze analyse analyzing understand understanding consider break breaking down "
      "work "
      "working through out together go going get getting find finding show shows shown showing "
      "demonstrate demonstrated verify check follow follows following below above given asked what "
      "how why okay ok alright sure certainly course well hmm yes great interesting sir hello hi "
      "please thanks trivial trivially obvious obviously clear clearly easy easily evident "
      "evidently "
      "immediate immediately straightforward routine left reader known standard simple simply just "
      "very quite true correct done holds hold complete completely rigorous rigorously fully "
      "logical "
      "logically reasoning explanation explain explained provide provided present write written "
      "give "
      "gives final conclusion conclude concludes summary therefore hence thus qed quod erat "
      "demonstrandum s t ll re ve m d help happy look looking try take deep breath one end all "
      "everything details omitted leave as desired required requested "
      // German
      "lass lasst lassen uns wir ich dieses diese dieser das die der dem den des ein eine einen "
      "problem aufgabe schritt fur losen lose losung beweis beweisen beweise zeigen nun jetzt "
      "zuerst "
      "zunachst beginnen beginne mit wie folgt hier ist sind es wird werden im und oder also "
      "offensichtlich offenbar klar einfach leicht nachdenken denken denke uberlegen uberlegung "
      "betrachten analysieren analyse antwort frage man sieht sehen behauptung aussage sorgfaltig "
      "genau zu zum zur dass daher somit damit fertig ergebnis gehen wollen schrittweise folgende "
      "folgenden vollstandige gedankengang sich selbstverstandlich bleibt dem leser uberlassen "
      // French
      "commencons resolvons resoudre reflechissons pensons analysons ce cet cette probleme "
      "exercice "
      "etape etapes par pas reponse preuve demonstration demontrer montrer montrons nous allons on "
      "va voici le la les l un une du d en et ou est sont il c que qui pour dans evident "
      "evidemment trivialement clair clairement facile facilement abord tout suivante suivant "
      "comme "
      "suit processus pensee raisonnement soigneusement donc ainsi fini maintenant laisse lecteur "
      "au "
      "immediat resultat decoule "
      // Spanish, Portuguese, Italian
      "resolvamos resolver vamos a este esta el los las problema ejercicio pregunta paso pasos por "
      "solucion respuesta demostracion demostrar demostremos prueba pensemos pensar analicemos "
      "analizar primero ahora aqui son del y o un una se sigue como obvio claro evidente "
      "claramente obviamente evidentemente facilmente proceso pensamiento razonamiento con cuidado "
      "cuidadosamente "
      "empecemos comencemos detalladamente siguiente lo passo solucao resposta prova esse isso "
      "risolviamo questo dopo soluzione risposta dimostrazione ora iniziamo "
      // Russian
      "давайте решим решать решение задачу задача задачи эту этот это шаг за шагом по шагам ответ "
      "доказательство докажем доказать рассмотрим подумаем мы я начнем сначала теперь итак вот "
      "очевидно ясно тривиально легко видеть видно что и в на с к из следует как нужно надо "
      "требуется ход мысли рассуждение рассуждения внимательно проанализируем разберем подробное "
      "полное утверждение доказано верно ниже приведено");
  return words;
}

const Words& talk_phrases() {
  static const Words words = split(
      // Chinese
      "让我们 我们 我 来 一步一步 一步步 一步 逐步 地 的 解决 解答 求解 解 答 答案 这个 这道 该 本 "
      "此 问题 题目 题 思考 思路 思维 过程 分析 首先 先 然后 接下来 现在 开始 证明 如下 以下 是 为 "
      "显然 易见 易得 容易 看出 成立 得证 证毕 仔细 认真 考虑 详细 好的 好 让 请 下面 给出 完整 "
      "结论 "
      "由此 可得 所以 因此 命题 平凡 显而易见 可知 需要 要 将 步骤 第一步 推理 最终 地思考 看 "
      "一下 根据 题意 由 已知 可 知 略 "
      // Japanese
      "かいせつ 解説 問題 この を 解き ましょう 解いて みましょう みる 考え 考えて て 一つずつ "
      "ステップ ごと に で は の まず 答え 次 よう です ます する します しょう 明らか である 自明 "
      "順番 順 番 ステップバイステップ プロセス 過程 示す 示します と が も 一歩 一歩ずつ ずつ "
      "解いていきましょう いきましょう 証明します 以下に 回答");
  return words;
}

}  // namespace

bool is_talk_word(std::string_view folded) { return talk_words().contains(folded); }

bool is_step_word(std::string_view folded) {
  static const Words words = split("step schritt etape paso passo шаг part teil partie parte");
  return words.contains(folded);
}

std::size_t talk_phrase_length(const Tokens& tokens, std::size_t first) {
  std::size_t longest = 0;
  std::size_t bytes = 0;
  for (std::size_t i = first; i < tokens.list.size() && i - first < kPhraseIdeographsMax; ++i) {
    if (tokens.list[i].kind != Token::Kind::Ideograph) break;
    bytes += tokens.list[i].length;
    const std::string_view phrase =
        std::string_view(tokens.folded).substr(tokens.list[first].at, bytes);
    if (talk_phrases().contains(phrase)) longest = i - first + 1;
  }
  return longest;
}

}  // namespace prompts
