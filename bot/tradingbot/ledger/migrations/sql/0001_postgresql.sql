-- The fence. FOR SHARE waits for, and is waited for by, every change of the lease row; a weaker lock would let a
-- write of the old epoch commit after the new one began.
CREATE FUNCTION tb_check() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
    PERFORM 1 FROM lease
     WHERE epoch = NEW.epoch AND instance = NEW.instance AND holder = session_user::text AND released_at IS NULL
       FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'TB001', MESSAGE = format(
            'fenced: epoch %s of %s as %s may not write %s', NEW.epoch, NEW.instance, session_user, TG_TABLE_NAME);
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION tb_keep() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'TB002', MESSAGE = format('%s refuses %s: what was written stays', TG_TABLE_NAME, TG_OP);
END $$;

CREATE FUNCTION tb_note(what text, row_now lease) RETURNS void LANGUAGE sql SET search_path = {schema}, pg_temp AS $$
    INSERT INTO lease_history (ledger_id, epoch, event, holder, instance, revision, at)
    VALUES (row_now.ledger_id, row_now.epoch, what, row_now.holder, row_now.instance, row_now.revision, clock_timestamp());
$$;

CREATE FUNCTION tb_claim(wanted text, wanted_revision text) RETURNS TABLE (claimed bigint, refusal text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    held lease;
    reason text;
BEGIN
    SELECT * INTO held FROM lease FOR UPDATE;
    reason := CASE
        WHEN held.ledger_id IS NULL THEN 'NoLease'
        WHEN held.holder <> session_user::text THEN 'NotHolder'
        WHEN held.revision <> wanted_revision THEN 'OtherRevision'
        WHEN EXISTS (SELECT FROM lease_history WHERE instance = wanted) THEN 'InstanceUsed'
        WHEN held.instance IS NULL OR held.released_at IS NOT NULL THEN NULL
        WHEN split_part(wanted, '/', 1) <> '' AND split_part(held.instance, '/', 1) = split_part(wanted, '/', 1) THEN NULL
        WHEN EXISTS (SELECT FROM heartbeats
                      WHERE instance = held.instance AND seen_at > clock_timestamp() - interval '5 seconds') THEN 'HeldByOther'
    END;
    IF reason IS NOT NULL THEN
        RETURN QUERY SELECT held.epoch, reason;
        RETURN;
    END IF;
    UPDATE lease SET epoch = epoch + 1, instance = wanted, successor = NULL, order_until = NULL, released_at = NULL
     WHERE ledger_id = held.ledger_id RETURNING * INTO held;
    held.revision := wanted_revision;
    PERFORM tb_note('claim', held);
    RETURN QUERY SELECT held.epoch, NULL::text;
END $$;

CREATE FUNCTION tb_retire(ended bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    held lease;
BEGIN
    UPDATE lease SET released_at = clock_timestamp()
     WHERE epoch = ended AND holder = session_user::text AND released_at IS NULL RETURNING * INTO held;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM tb_note('retire', held);
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION tb_check(), tb_keep(), tb_note(text, lease), tb_claim(text, text), tb_retire(bigint) FROM PUBLIC;
