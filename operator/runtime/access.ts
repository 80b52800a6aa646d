// What one needs to speak to an API server: where it is, and how to prove who we are. Types only.

export interface TokenSource {
  /** The token to use now. */
  token(): Promise<string>;
  /** The server refused the last one: look for a new one next time, however fresh it is. */
  refused(): void;
}

export interface Connection {
  /** For instance https://10.0.0.1:443 */
  server: string;
  /** PEM. Absent: the machine's own authorities. */
  ca?: string;
  /** PEM. */
  clientCertificate?: { certificate: string; key: string };
  token?: TokenSource;
  /** The name the server's certificate must carry, where it isn't the address. */
  serverName?: string;
  insecureSkipTLSVerify?: boolean;
  /** Our own namespace: that of the service account, or of the kubeconfig's context. */
  namespace: string;
}
