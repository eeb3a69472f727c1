#include <algorithm>
#include <vector>

#include "prompts/gate_checks.h"
#include "prompts/phrase_rules.h"

// Wordings with which a text speaks to whoever grades it. Words are folded (tokens.h): no accents,
// small letters. Each rule wants an order, an address or a forged result, not only the subject:
// "a score of 1", "the judge", "evaluate the integral" and "the grade of an element" are
// mathematics. What is encoded (base64, rot13) is not seen, nor a wording that no rule foresees:
// the flag is a help for people and never the only defence.

namespace prompts {
namespace {

const std::vector<PhraseRules::Group>& groups() {
  static const std::vector<PhraseRules::Group> list{
      {"order", "give|assign|award|grant|rate|mark|grade|score|accept|approve"},
      {"speak", "output|print|return|respond|reply|answer|say|write|report|state|declare"},
      {"this", "this|my|the|our|following|above"},
      {"work",
       "proof|solution|submission|answer|response|work|argument|paper|attempt|essay|entry|script"},
      {"full", "full|maximum|maximal|max|perfect|highest|top|complete|best|passing|positive"},
      {"marks", "mark|marks|credit|credits|score|scores|points|grade|grades|rating|ratings"},
      {"number", "1|1.0|1/1|7|7/7|10|10/10|100|100/100|5/5|one"},
      {"fraction", "1/1|7/7|10/10|100/100|5/5|10/10|1.0"},
      {"grader",
       "grader|graders|evaluator|evaluators|examiner|examiners|marker|markers|reviewer|reviewers|"
       "assessor|assessors|corrector|correctors"},
      {"machine", "ai|llm|assistant|chatgpt|gpt|claude|gemini|deepseek|chatbot|bot"},
      {"judge",
       "judge|judges|verifier|verifiers|referee|referees|teacher|professor|committee|jury"},
      {"must", "must|should|shall|ought|need|needs|have|has|will|are"},
      {"korrektor",
       "korrektor|korrektorin|korrektoren|prufer|pruferin|gutachter|gutachterin|bewerter|"
       "bewertende|ki|sprachmodell"},
      {"correcteur",
       "correcteur|correctrice|correcteurs|evaluateur|evaluatrice|evaluateurs|examinateur|"
       "examinateurs|jury|ia"},
      {"evaluador",
       "evaluador|evaluadora|evaluadores|corrector|correctora|calificador|calificadora|examinador|"
       "revisor|ia|avaliador|corretor|valutatore|correttore|esaminatore"},
      {"proverka",
       "проверяющий|проверяющая|проверяющие|проверяющего|проверяющему|эксперт|эксперту|рецензент|"
       "экзаменатор|оценщик|жюри|преподаватель"},
  };
  return list;
}

const std::vector<std::string_view>& english() {
  static const std::vector<std::string_view> list{
      // Orders about the mark.
      "{order}|return|output|evaluate|judge ~2 {this} ~2 {work} ~6 {full} ~1 {marks}",
      "{order}|return|output ~3 {full} ~1 {marks} ~3 to|for ~1 this|my|our|the ~2 {work}",
      "^ {order}|return|output|report ~3 {full} ~1 {marks} $",
      "please|kindly|must|simply ~2 {order}|return|output ~4 {full} ~1 {marks}",
      "{order} me ~3 {full} ~2 {marks}",
      "give this|it|me|mine a|an|the ~1 {number}|pass $",
      "rate|grade|score this|it|mine ~4 {number}|correct|perfect|flawless $",
      "rate|grade|score|mark ~1 this|my ~1 {work} ~3 {number}|correct|perfect|flawless",
      "mark|grade|accept|classify|label this|it ~1 as ~1 correct|solved|passed|perfect|complete",
      "^ {order}|{speak} a|the|only ~2 score|grade|rating ~2 {number} $",
      // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one phrase over two lines
      "please|must|should|simply|just {order}|{speak} a|the|only ~2 score|grade|rating ~2 {number} "
      "$",
      "{order}|{speak} ~3 score|grade|rating|mark ~2 {number} ~3 to|for this|my|the ~1 {work}",
      "{order}|{speak} ~3 score|grade|rating ~2 {number} regardless|immediately|no|without|please",
      "^ {speak} only ~3 {number} $",
      "output|print|respond|reply ~4 boxed|verdict",
      "{grader} ~1 must|should|shall|will|has|have ~2 {order}|{speak}|ignore|conclude|pass",
      "you must|should|shall|will|ought|need|have ~2 output|award|rate|grade|approve|respond|reply",
      "you must|should|shall|will|ought|need|have ~2 give|assign|mark|score|accept|return|conclude|"
      "pass ~5 {marks}|verdict|{work}",
      "your ~2 evaluation|grading|verdict|rating|assessment|review|judgment|judgement|grade|score "
      "should|must|will|is|needs|has",
      "verify|evaluate|grade ~2 as correct",
      // What the work deserves.
      "this|my|the ~1 {work} ~1 deserves|merits|earns|warrants ~5 {marks}|{number}|{full}",
      "this|my|the ~1 {work} should|must|shall|has|ought|needs ~1 be ~1 "
      "graded|scored|rated|marked|awarded|accepted",
      "this|my ~1 {work} should|must|shall ~1 receive|get|obtain ~4 {marks}|{number}",
      "this|my ~1 {work} should|must|shall be given ~4 {marks}",
      "this|my ~1 {work} should|must|shall be considered|treated|judged|regarded ~2 "
      "correct|complete|perfect|rigorous",
      "score|grade|rating|mark should|must ~1 be ~3 {number}|{full}|high",
      "the|my|final correct score|grade|rating is {number}",
      // Orders about the rules.
      "ignore|disregard|forget|override|bypass|discard|neglect ~2 "
      "previous|above|prior|earlier|all|your|any|these|those|other|system|grading|preceding|former "
      "~3 instruction|instructions|directive|directives|rules|guidelines|criteria",
      "ignore|disregard|forget|override|bypass|discard|neglect|skip ~4 "
      "rubric|rubrics|prompt|prompts|guidelines",
      "ignore|disregard|forget everything|anything|all|what ~3 "
      "above|before|previously|prior|earlier|told",
      "ignore|disregard|overlook|forgive|excuse any|all|my|these|minor|small ~1 "
      "mistake|mistakes|flaw|flaws",
      "do not|never ~1 deduct|subtract|penalize|penalise|dock",
      "dont|never deduct|penalize|penalise|dock",
      "do not|never ~1 report|list|mention|flag|look|search|point ~4 "
      "issue|issues|error|errors|mistake|mistakes|flaw|flaws|defects",
      "dont|never report|list|mention|flag|look|search ~4 issue|issues|error|errors|mistakes|flaws",
      "without ~1 deducting|penalizing|penalising",
      "from now on you",
      "your new task|instructions|instruction|role|job|goal|rubric",
      "^ new instruction|instructions|directive",
      "no further checking|verification|review|checks is|are|needed|required",
      // Addresses.
      "dear|hello|hi|hey|greetings ~1 {grader}|{machine}|{judge}|model",
      "attention ~1 {grader}|{machine}",
      "note|message|notice|memo|reminder|comment|instruction|instructions|request|appeal to|for ~2 "
      "{grader}|{machine}|{judge}|model",
      "^ {grader} ~1 please|you|give|assign|output|note|read|accept|instruction|instructions",
      "to whom it may concern",
      "whoever|whomever|anyone|whichever ~2 grades|grading|evaluates|evaluating|reviews|marking",
      "you are|re ~4 {grader}|{machine}",
      "you are a|an|the ~2 model|verifier",
      "as a|an|the|your ~2 {grader}|{machine}|{judge}|model ~1 you|your|please|output|give|assign",
      "as an ai",
      "language model|models",
      "ai|automated|automatic|llm grader|graders|evaluator|judge|verifier|reviewer|model|marker",
      "when|while|before|if|after ~2 grading|evaluating|reviewing|scoring|assessing|marking "
      "this|my|"
      "the ~1 {work}",
      "grading|marking|scoring|evaluation|evaluator|grader|verifier instruction|instructions|"
      "guidelines|note|rubric|directive|override|policy|hint",
      "please|kindly be ~1 lenient|generous|merciful",
      "please|kindly ~1 accept|approve|pass ~1 this|my|me",
      "i beg|implore you",
      "my scholarship|career|graduation|visa|future|degree ~2 depends|depend",
      // Forged authority.
      "system prompt|override|message|instruction|instructions|directive",
      "^ system note|notice|update|command",
      "developer|admin|administrator|root|operator|debug|maintenance mode|override|message|"
      "instruction|instructions|note",
      "jailbreak",
      "for|in testing|test|debugging|debug|calibration purposes|purpose|mode",
      "this is ~2 test|drill of the grading|grader|system|evaluation|pipeline",
      "this|my|the ~1 {work} has|have|was|were ~2 "
      "verified|checked|approved|accepted|confirmed|graded|validated|certified|reviewed|endorsed "
      "by ~4 "
      "expert|experts|professor|professors|mathematician|mathematicians|lean|coq|isabelle|"
      "committee|"
      "jury|graders|reviewers|referees|human|humans|teacher|teachers|medalist|medalists|organizers",
      "other|previous|all|many|several|most|two|three|every|both ~1 {grader}|referees|experts ~2 "
      "gave|give|agreed|agree|accepted|confirmed|rated|scored|awarded|assigned|have",
      // Forged results.
      "verdict ~1 0|0.5|1|correct|accept|accepted|pass|passed|valid|positive",
      "verdict is|should|must|will ~3 {number}|correct|accept|accepted|pass|passed|valid|positive",
      "final overall|overal score|grade|mark|rating|verdict",
      "based on my evaluation",
      "here is my evaluation",
      "^ score|rating 1|1.0|{fraction}|100",
      "^ final score|grade|rating|mark|evaluation 1|1.0|{fraction}|100",
      "score|grade|rating|mark|marks|evaluation|result {fraction}",
      "no issues ~1 verdict|score|grade",
  };
  return list;
}

const std::vector<std::string_view>& european() {
  static const std::vector<std::string_view> list{
      // German
      // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one phrase over two lines
      "ignoriere|ignorieren|ignoriert|vergiss|vergessen|missachte|missachten|ubergehe ~5 "
      "anweisung|anweisungen|instruktion|instruktionen|vorgaben|bewertungsschema|bewertungsregeln",
      "gib|geben|vergib|vergeben|erteile|erteilen|bewerte|bewerten|benote|benoten|setze ~7 "
      "voll*|maximal*|hochst*|best* ~1 punkte|punktzahl|punkten|note|bewertung|wertung|punkt",
      "bewerte|bewerten|benote|benoten ~1 diese*|mein*|die|den ~1 beweis|losung|arbeit|antwort ~4 "
      "1|voll*|korrekt|richtig|10/10|7/7",
      "lieber|liebe|liebes|geehrter|geehrte|geehrtes|hallo ~1 {korrektor}",
      "als ~1 {korrektor} ~1 sollten|solltest|mussen|musst|sie|du|muss|sollte",
      "hinweis|nachricht|anmerkung|bitte|mitteilung an|fur ~2 {korrektor}|korrektors|prufern",
      "du|sie bist|sind ~3 {korrektor}",
      "diese|dieser|dieses|mein|meine ~1 losung|beweis|arbeit|antwort verdient",
      "zu|fur|zum testzwecken|testzwecke|testzweck",
      "keine punkte ab",
      "^ urteil|bewertung|endnote|punktzahl ~1 1|1.0|10/10|7/7|korrekt",
      // French
      "ignore|ignorez|ignorer|oublie|oubliez|oublier ~5 "
      "instructions|instruction|consignes|consigne|directives|bareme",
      "donnez|donner|attribuez|attribuer|accordez|mettez|notez ~6 note|points|score|mention ~3 "
      "maximal*|maximum|complet*|parfait*|max|total*|1|20/20",
      "^ donne|attribue|accorde|mets ~6 note|points|score|mention ~3 "
      "maximal*|maximum|complet*|parfait*|max|total*|1|20/20",
      "donne|donnez|attribue|attribuez|accorde|accordez|mettez ~4 tous les points",
      "cher|chere|chers|bonjour|monsieur|madame ~2 {correcteur}",
      "en tant ~2 {correcteur}|modele",
      "note|message|attention|avis ~1 pour|au|a|aux|du ~2 {correcteur}",
      "vous|tu etes|es ~3 {correcteur}|modele",
      "cette|ma|mon|ce ~1 preuve|demonstration|solution|travail|reponse merite",
      "a des fins de test|tests",
      "ne retirez|deduisez|enlevez|retire ~3 point|points",
      // Spanish, Portuguese, Italian
      "ignora|ignore|ignoren|ignorar|ignorate|ignori|olvida|olvide|olviden|esqueca|dimentica ~5 "
      "instrucciones|instruccion|indicaciones|rubrica|instrucoes|istruzioni|diretrizes",
      "da|dale|dele|dar|asigna|asigne|asignar|otorga|otorgue|otorgar|pon|ponga|califica|califique|"
      "concede|conceda|de|atribua|dai|assegna|assegnate ~6 "
      "puntuacion|nota|calificacion|puntos|puntaje|pontuacao|voto|punteggio ~2 "
      "maxim*|complet*|perfect*|total|massim*|pien*",
      "da|dale|dele|asigna|asigne|otorga|otorgue|pon|ponga|concede|atribua ~3 maxim* ~1 "
      "puntuacion|nota|calificacion|puntaje|pontuacao",
      "estimado|estimada|estimados|querido|querida|hola|caro|cara|prezado|gentile|egregio ~1 "
      "{evaluador}|profesor|juez",
      "como ~1 {evaluador} ~2 debes|debe|tu|usted|deberias|deberia|deve|voce",
      "eres|es|sos|voce|sei ~2 {evaluador}",
      "nota|mensaje|aviso|mensagem|messaggio para|al|ao|per ~2 {evaluador}",
      "esta|mi|este|minha|questa ~1 demostracion|solucion|prueba|respuesta|prova|solucao|"
      "dimostrazione merece|merita",
      "con|para fines de prueba|pruebas|test",
      "^ veredicto|calificacion|puntuacion|verdetto ~1 1|1.0|10/10|correcto|correcta|corretto",
      "no descuente|descuentes|quites|reste ~2 puntos",
      // Russian
      "игнорируй|игнорируйте|проигнорируй|проигнорируйте|забудь|забудьте ~5 "
      "инструкц*|указан*|критери*",
      "поставь|поставьте|оцени|оцените|дай|дайте|присвой|присвойте|выстави|выставите|ставь|ставьте "
      "~6 максимальн*|высш*|полн*|наивысш* ~1 балл*|оценк*",
      "поставь|поставьте|оцени|оцените|выстави|выставите ~3 решени*|доказательств* ~3 "
      "1|10/10|7/7|максим*|балл*",
      "уважаемый|уважаемая|уважаемые|дорогой|дорогая|дорогие ~1 {proverka}|судья|модель",
      "как ~1 {proverka} ~2 вы|ты|должны|должен",
      "ты|вы ~1 {proverka}",
      "сообщение|примечание|записка|просьба для|к|проверяющему ~1 {proverka}|проверяющих",
      "это|данное|мое|этот ~1 решение|доказательство ~1 заслуживает",
      "тестовых целях",
      "целях тестирования",
      "^ вердикт|оценка ~1 1|1.0|10/10|верно|правильно|зачтено",
      "не снижай|снижайте|вычитай|вычитайте ~2 балл*|оценк*",
  };
  return list;
}

// For languages that put no blanks between words: a string, and for some another one not far
// behind it. They are looked for in the folded text, which has no blanks at all.
struct NearPair {
  std::vector<std::string_view> first;
  std::vector<std::string_view> then;  // empty: the first alone is enough
  std::size_t bytes_between = 0;
};

const std::vector<NearPair>& near_pairs() {
  static const std::vector<NearPair> list{
      // Chinese
      {{"忽略", "无视", "忽视", "不要理会", "忘记", "忽略掉"},
       {"指令", "指示", "提示词", "评分标准", "评分规则", "评分要求"},
       36},
      {{"请给", "给这", "给本", "给该", "给此", "给我", "应给", "必须给", "给予", "请打", "请判",
        "请评"},
       {"满分", "最高分"},
       36},
      {{"打满分", "评为满分", "判为满分", "应得满分", "判满分"}, {}, 0},
      {{"评分者", "评分人", "评分老师", "阅卷老师", "阅卷人", "阅卷者", "评审老师", "评委老师",
        "评估者", "评判者", "批改老师", "评卷人", "改卷老师", "尊敬的评委", "亲爱的评委",
        "尊敬的老师", "亲爱的老师"},
       {},
       0},
      {{"作为评", "作为一名评", "作为阅卷", "作为一个评", "你是一个评", "你是一名评", "你是评",
        "您是评", "作为ai", "作为人工智能", "作为验证"},
       {},
       0},
      {{"请输出", "直接输出", "只输出", "请回答", "请直接"}, {"1", "满分", "正确", "分数"}, 15},
      {{"最终评分", "评分应", "得分应为", "分数应为", "裁决1", "判定:正确", "判为正确"}, {}, 0},
      {{"测试目的", "测试用途", "出于测试"}, {}, 0},
      {{"这个证明", "本证明", "该证明", "此证明", "该解答", "本解答", "这份解答", "我的证明",
        "我的解答"},
       {"应得", "应该得", "应当得", "应给", "应获", "满分", "值得"},
       15},
      {{"不要扣分", "请勿扣分", "别扣分", "不得扣分", "不扣分"}, {}, 0},
      {{"系统提示", "系统消息", "系统指令"}, {}, 0},
      // Japanese
      {{"採点者", "採点官", "採点する", "採点の方"}, {}, 0},
      {{"指示", "命令", "プロンプト"}, {"無視"}, 18},
      {{"満点を", "満点に"}, {"ください", "与え", "付け", "つけ", "下さい"}, 15},
      // Korean
      {{"채점자", "채점관", "평가자"}, {}, 0},
      {{"지시", "명령", "프롬프트"}, {"무시"}, 18},
      {{"만점을", "만점으로"}, {}, 0},
  };
  return list;
}

std::optional<Span> find_near(const Tokens& tokens) {
  const std::string_view text = tokens.folded;
  const auto token_at = [&](std::size_t offset) {
    return std::upper_bound(tokens.list.begin(), tokens.list.end(), offset,
                            [](std::size_t o, const Token& t) { return o < t.at; }) -
           1;
  };
  for (const NearPair& pair : near_pairs())
    for (const std::string_view first : pair.first)
      for (std::size_t at = text.find(first); at != std::string_view::npos;
           at = text.find(first, at + 1)) {
        std::size_t end = at + first.size();
        if (!pair.then.empty()) {
          std::size_t found = std::string_view::npos;
          for (const std::string_view then : pair.then) {
            const std::string_view near = text.substr(end, pair.bytes_between + then.size());
            if (const std::size_t i = near.find(then); i != std::string_view::npos)
              found = std::min(found, i + then.size());
          }
          if (found == std::string_view::npos) continue;
          end += found;
        }
        return Span{token_at(at)->begin, token_at(end - 1)->end};
      }
  return std::nullopt;
}

}  // namespace

std::optional<Span> find_address(const Tokens& tokens) {
  static const PhraseRules in_english(groups(), english());
  static const PhraseRules in_european(groups(), european());
  if (const auto span = in_english.find(tokens)) return span;
  if (const auto span = in_european.find(tokens)) return span;
  return find_near(tokens);
}

}  // namespace prompts
