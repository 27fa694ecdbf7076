// Evaluates identities with Flagsmith's SDK for Go: one JSON line in, the names of the enabled flags as one JSON line out,
// or with "values" the values of all flags. The line null fetches the environment document again.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	flagsmith "github.com/Flagsmith/flagsmith-go-client/v5"
)

type identity struct {
	Identifier string         `json:"identifier"`
	Traits     map[string]any `json:"traits"`
	Values     bool           `json:"values"`
}

func main() {
	ctx := context.Background()
	client := flagsmith.NewClient(os.Args[2], flagsmith.WithBaseURL(os.Args[1]), flagsmith.WithLocalEvaluation(ctx),
		flagsmith.WithEnvironmentRefreshInterval(time.Hour))
	must(client.UpdateEnvironment(ctx))

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := bufio.NewWriter(os.Stdout)
	for lines.Scan() {
		fmt.Fprintln(out, answer(ctx, client, lines.Text()))
		must(out.Flush())
	}
	must(lines.Err())
}

func answer(ctx context.Context, client *flagsmith.Client, line string) string {
	if line == "null" {
		must(client.UpdateEnvironment(ctx))
		return "[]"
	}
	sent := parse(line)
	flags, err := client.GetIdentityFlags(ctx, sent.Identifier, traitsOf(sent))
	if err != nil {
		return fmt.Sprintf("%q", err.Error())
	}
	enabled, values := []string{}, map[string]any{}
	for _, flag := range flags.AllFlags() {
		values[flag.FeatureName] = flag.Value
		if flag.Enabled {
			enabled = append(enabled, flag.FeatureName)
		}
	}
	if sent.Values {
		return encoded(values)
	}
	return encoded(enabled)
}

func encoded(answer any) string {
	text, err := json.Marshal(answer)
	must(err)
	return string(text)
}

func parse(line string) identity {
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	var sent identity
	must(decoder.Decode(&sent))
	return sent
}

// traitsOf gives whole numbers as int, and numbers with decimals as float64, as an application would.
func traitsOf(sent identity) []*flagsmith.Trait {
	traits := []*flagsmith.Trait{}
	for key, value := range sent.Traits {
		if number, ok := value.(json.Number); ok {
			value = numberOf(number)
		}
		traits = append(traits, &flagsmith.Trait{TraitKey: key, TraitValue: value})
	}
	return traits
}

func numberOf(number json.Number) any {
	if whole, err := number.Int64(); err == nil {
		return int(whole)
	}
	decimal, err := number.Float64()
	must(err)
	return decimal
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
