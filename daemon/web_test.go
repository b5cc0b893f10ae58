package daemon

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// certificate writes a certificate for this machine and its key, and returns
// who trusts it.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool
}

// freeAddress is one that nobody listens on at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestMetricsBehindTLSAndAPasswordAlsoAfterARestartInPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	trust := certificate(t, dir)
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	require.NoError(t, err)
	config := filepath.Join(dir, "web.yml")
	require.NoError(t, os.WriteFile(config, []byte("tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\nbasic_auth_users:\n  prometheus: "+string(hash)+"\n"), 0o600))
	address := freeAddress(t)
	h := newHouse(t, "--metrics-address", address, "--metrics-web-config", config)

	client := &http.Client{Timeout: waitLong, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: trust}}}
	get := func(url, password string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		if password != "" {
			req.SetBasicAuth("prometheus", password)
		}
		resp, err := client.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(text)
	}
	look := func() {
		t.Helper()
		for _, path := range []string{"/metrics", "/-/healthy", "/-/ready", "/"} {
			status, _ := get("https://"+address+path, "")
			require.Equal(t, http.StatusUnauthorized, status, path)
			status, _ = get("https://"+address+path, "wrong")
			require.Equal(t, http.StatusUnauthorized, status, path)
			status, text := get("https://"+address+path, "secret")
			require.Equal(t, http.StatusOK, status, path)
			require.NotEmpty(t, text)
		}
		status, text := get("http://"+address+"/metrics", "secret")
		require.Equal(t, http.StatusBadRequest, status, text)
		require.NotContains(t, text, "ftd_")
	}
	look()
	before := h.version()
	require.NoError(t, h.Restart(t.Context()))
	h.restarted(before)
	look()

	// On the socket credentials decide, and the same pages are there.
	metrics, err := h.Metrics(t.Context())
	require.NoError(t, err)
	defer metrics.Close()
	text, err := io.ReadAll(metrics)
	require.NoError(t, err)
	require.True(t, strings.Contains(string(text), "ftd_build_info"))
}
