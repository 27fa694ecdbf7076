// Reads {file, questions: [{flag, type, fallback, context}]} from standard input, and writes the value of each.
const fs = require("fs");
const { FlagdCore } = require("@openfeature/flagd-core");

const { file, questions } = JSON.parse(fs.readFileSync(0, "utf8"));
const core = new FlagdCore();
core.setConfigurations(file);
const resolve = {
  toggle: (each) => core.resolveBooleanEvaluation(each.flag, each.fallback, each.context),
  string: (each) => core.resolveStringEvaluation(each.flag, each.fallback, each.context),
  integer: (each) => core.resolveNumberEvaluation(each.flag, each.fallback, each.context),
};
const values = questions.map((each) => {
  const details = resolve[each.type](each);
  return details.errorCode ? { error: details.errorMessage } : details.value;
});
process.stdout.write(JSON.stringify(values));
