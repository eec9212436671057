/* http: where mail and calendars come from. The rooms that talk to a provider bring the functions. */

CREATE TABLE scheduler.providers
(
	provider text NOT NULL,
	description text NOT NULL,
	poll_kind text NOT NULL,
	builtin boolean NOT NULL DEFAULT false,
	CONSTRAINT providers_pkey PRIMARY KEY (provider)
);
COMMENT ON TABLE scheduler.providers IS 'What an account can be of, and the kind of job that looks for news there.';
INSERT INTO scheduler.providers (provider, description, poll_kind, builtin) VALUES
	('maildir', 'A Maildir on the server''s disk', 'mail.poll', true);
SELECT scheduler.install_shared_table('providers', 'WHERE NOT builtin');

CREATE TABLE scheduler.accounts
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	account_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	provider text NOT NULL,
	address text NOT NULL,
	purposes text[] NOT NULL DEFAULT '{mail.read}',
	secret text,
	settings jsonb NOT NULL DEFAULT '{}',
	status text NOT NULL DEFAULT 'active',
	cursor jsonb NOT NULL DEFAULT '{}',
	poll_interval interval NOT NULL DEFAULT '1 minute',
	next_poll_at timestamptz,
	last_sync_at timestamptz,
	last_error text,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT accounts_pkey PRIMARY KEY (user_id, account_id),
	CONSTRAINT accounts_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT accounts_provider_fkey FOREIGN KEY (provider) REFERENCES scheduler.providers,
	CONSTRAINT accounts_address_key UNIQUE (user_id, provider, address),
	CONSTRAINT accounts_address_given CHECK (address ~ '\S' AND length(address) <= 1000),
	CONSTRAINT accounts_status_word CHECK (status IN ('active', 'paused', 'reauth_required', 'error')),
	CONSTRAINT accounts_settings_object CHECK (jsonb_typeof(settings) = 'object'),
	CONSTRAINT accounts_cursor_object CHECK (jsonb_typeof(cursor) = 'object'),
	CONSTRAINT accounts_poll_interval_range CHECK (poll_interval >= '1 second' AND poll_interval <= '7 days')
);
CREATE INDEX accounts_account_id_idx ON scheduler.accounts (account_id);
CREATE INDEX accounts_provider_idx ON scheduler.accounts (provider);
CREATE TRIGGER touch BEFORE UPDATE ON scheduler.accounts
	FOR EACH ROW EXECUTE FUNCTION scheduler.touch_updated_at();
COMMENT ON TABLE scheduler.accounts IS 'One grant or login of a user at a provider; secret is the name of one, never its value.';
SELECT scheduler.install_user_table('accounts');
