package secret

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each of these holds "geheim" or "GEHEIM" in a place where a report must not.
func TestSecretsDoNotLeave(t *testing.T) {
	for _, text := range []string{
		"https://me:geheim@host.example/x",
		"https://geheim@host.example/x.git",
		"http://me:p@geheim:8@host.example",
		"https://b.s3.example/x.zip?X-Amz-Algorithm=A&X-Amz-Signature=geheim&X-Amz-Expires=86400",
		"curl 'https://o.example/x?sig=geheim'",
		"GET https://o.example/x?Expires=1&key=geheim HTTP/1.1",
		"password: geheim", "password: \"ge\\\"heim geheim\"", "  passwd: 'a geheim'", "db_password : a geheim b",
		"obs:\n  secret_key: geheim\n", "token: |\n  geheim\n  geheim\nnext: 1", "credentials:\n  - user: x\n    word: geheim\n",
		"tokens_of:\n  hf_token: >-\n    geheim\n", "secret:\n- geheim\n",
		"HF_TOKEN=geheim", "export WANDB_API_KEY=geheim geheim", "MY_KEY=geheim", "DB_PASS=geheim geheim2", "SMTP_PWD=geheim", "MOX_SK=geheim", "OBS_AK='geheim'",
		`{"api_key": "geheim", "x": 1}`, `{"auth":"geheim"}`, `args: ['--token', 'geheim']`, `["--password", "geheim"]`,
		"run --token geheim --x 1", "run --api-key=geheim", "run --secret 'geheim geheim'",
		"Authorization: Bearer geheimgeheim", "authorization: Basic Z2VoZWltgeheim==", "> X-Auth-Token: geheim", "Cookie: a=1; sid=geheim", "'Authorization': 'token geheim'",
		"sent bearer geheim.geheim", "git clone https://oauth2:geheim@git.example/x",
		"hf_geheimGEHEIMgeheim", "used ghp_geheimgeheimgeheim1234", "github_pat_11geheimgeheim", "AKIAGEHEIMGEHEIM1234", "LTAI5tgeheimgeheim", "sk-geheimgeheimgeheim",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJnZWhlaW0ifQ.geheim-geheim",
		"-----BEGIN RSA PRIVATE KEY-----\ngeheim\n-----END RSA PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\ngeheim\ngeheim",
		"2026-01-01 ERROR login with password=geheim, failed", "RuntimeError: {'secret_access_key': 'geheim'}",
		"the value of MY_SETTING was xgeheimx",
		// Addresses: without a scheme, in the path, in the fragment, in a remote.
		"http_proxy=me:geheim@proxy:3128", "proxy me:ge!heimgeheim@proxy.example.com refused", "origin\thttps://geheim:x-oauth-basic@git.example/x (fetch)",
		"POST https://hooks.example/services/T0/B0/geheim: 404", "url: https://open.example/open-apis/bot/v2/hook/geheim", "https://chat.example/api/webhooks/12/geheim",
		"channels: [https://conda.example/t/geheim/main]", "https://host.example/x#access_token=geheim",
		"index-url = https://__token__:pypi-geheim@pypi.example/simple", "extra-index-url = https://geheim@pypi.example/simple",
		"machine h.example login me password geheim", "user:x:geheim@host.example:1",
		"curl -u me:geheim https://h.example", "curl --user 'me:geheim' x",
		// Values of other shapes.
		"{'password': b'geheim'}", "Settings(token=SecretStr('geheim'), x=1)", "login password=a,geheim;geheim)geheim failed", "password=x\"geheim",
		`{"body": "{\"password\": \"geheim\", \"x\": 1}"}`, "next=%2Fx%26token%3Dgeheim", "setenv HF_TOKEN geheim", "set -x HF_TOKEN geheim",
		"args:\n- --token\n- geheim\n", "[\n  \"--api-key\",\n  \"geheim\"\n]", "密码：geheim", "令牌为 geheim", "\x1b[31mpassword\x1b[0m=geheim",
		"obsutil config -i=geheim -k=geheim", "mysql -uroot -pgeheim db", "sshpass -p geheim ssh x", "wandb: logged in with key geheimgeheim",
		"signingKey: geheim", "clientSecret=geheim", "secrets: {a: geheim}", "api_keys:\n  - geheim\n", "webhook: geheim", "DefaultEndpoint=x;AccountKey=a/b+geheim==",
		"GITHUB_PAT=geheim", "db_connection_string: Server=x;Pwd=geheim", "-----BEGIN PGP PRIVATE KEY BLOCK-----\ngeheim\n-----END PGP PRIVATE KEY BLOCK-----",
		"geheimGEHEIMgeheim1234\ngeheim==\n-----END RSA PRIVATE KEY-----\n", "proxy said: xgeheimy",
	} {
		m := Knowing([]string{"MY_SERVICE_KEY=xgeheimx", "PATH=/bin", "SHORT_TOKEN=on", "https_proxy=http://me:xgeheimy@proxy.example:1"})
		masked := string(m.Masked([]byte(text)))
		require.NotContains(t, strings.ToLower(masked), "geheim", "of %q became %q", text, masked)
		require.Contains(t, masked, Mask)
	}
}

// Tokens that are known by their form alone.
func TestTokensAreKnownByTheirForm(t *testing.T) {
	for _, token := range []string{
		"SEC0123456789abcdef0123456789abcdef0123456789abcdef", "ms-01234567-89ab-cdef-0123-456789abcdef", "ya29.a0AfH6SMBx-x_x", "glpat-0123456789abcdef",
	} {
		require.Equal(t, "it was "+Mask+", it said", string(Text{}.Masked([]byte("it was "+token+", it said"))))
	}
	require.Equal(t, "wandb login --relogin "+Mask, string(Text{}.Masked([]byte("wandb login --relogin 0123456789abcdef0123456789abcdef01234567"))))
}

// What stands around a secret stays.
func TestNoMoreThanTheSecretIsHidden(t *testing.T) {
	for text, masked := range map[string]string{
		"{'hub': {'access_token': 'geheim', 'x': 1}}": "{'hub': {'access_token': ***, 'x': 1}}",
		"obs: {ak: geheim, sk: geheim, server: x}":    "obs: {ak: ***, sk: ***, server: x}",
		`{"token":"geheim","y":1}`:                    `{"token":***,"y":1}`,
		"f(password=geheim)":                          "f(password=***)",
	} {
		require.Equal(t, masked, string(Text{}.Masked([]byte(text))))
	}
}

func TestWhatHelpsIsNotHidden(t *testing.T) {
	for _, text := range []string{
		"pad_token_id: 3", "eos_token: '<eop>'", "tokenizer:\n  type: LlamaTokenizer\n  vocab_file: /x/tokenizer.model\n", "seq_length: 2048 # tokens",
		"load_checkpoint: /data/llama_7b.ckpt", "monkey: 3", "author: me", "https://host.example/a/b.zip", "num_tokens: 5",
		"key_cache|value_cache", "rows of 2049 tokens for seq_length 2048", "/home/me@work/x", "lr: 1.e-5, overflow cond: False, loss_scale: 65536.0",
		"ok       tokenizer     /x/tokenizer.model with 10 tokens", "PATH=/bin:/usr/bin", "MS_COMPILER_CACHE_ENABLE=1", "use basic types", "hf_path: x", "PWD=/home/me", "OLDPWD=/x", "max_new_tokens: 5", "FTD_RUN_TOKEN=abc", "additional_special_token: x",
		"git@host.example:a/b.git", "load_checkpoint: llama_7b # the key is a name", "12:30:01@node", "https://host.example/services", "https://host.example/t",
	} {
		require.Equal(t, text, string(Knowing(nil).Masked([]byte(text))))
	}
}
