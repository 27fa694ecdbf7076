import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.flagsmith.FlagsmithClient;
import com.flagsmith.config.FlagsmithConfig;
import com.flagsmith.models.BaseFlag;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Evaluates identities with Flagsmith's SDK for Java: one JSON line in, the names of the enabled flags as one JSON line out,
 * or with "values" the values of all flags. The line null fetches the environment document again.
 */
public class Evaluate {
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    FlagsmithConfig config = FlagsmithConfig.newBuilder().baseUri(args[0]).withLocalEvaluation(true)
        .withEnvironmentRefreshIntervalSeconds(3600).build();
    FlagsmithClient client = FlagsmithClient.newBuilder().setApiKey(args[1]).withConfiguration(config).build();
    client.updateEnvironment();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      System.out.println(answer(client, JSON.readTree(line)));
    }
    client.close();
    System.exit(0);
  }

  /** The enabled flags, or the class of the exception with which the SDK fails. */
  private static String answer(FlagsmithClient client, JsonNode identity) throws Exception {
    if (identity.isNull()) {
      client.updateEnvironment();
      return "[]";
    }
    @SuppressWarnings("unchecked")
    Map<String, Object> traits = JSON.convertValue(identity.get("traits"), Map.class);
    try {
      List<BaseFlag> flags = client.getIdentityFlags(identity.get("identifier").asText(), traits).getAllFlags();
      if (identity.has("values")) {
        Map<String, Object> values = new HashMap<>();
        flags.forEach(flag -> values.put(flag.getFeatureName(), flag.getValue()));
        return JSON.writeValueAsString(values);
      }
      return JSON.writeValueAsString(flags.stream().filter(BaseFlag::getEnabled).map(BaseFlag::getFeatureName).toList());
    } catch (RuntimeException failure) {
      return JSON.writeValueAsString(failure.getClass().getSimpleName());
    }
  }
}
