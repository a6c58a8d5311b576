-- The lease functions of a hand-over. Each looks at the row under a lock and changes it only when it still is as its
-- caller believes; inside, a word alone is a column and a parameter is written with its function's name.
DROP FUNCTION tb_claim(text, text);
DROP FUNCTION tb_retire(bigint);

CREATE FUNCTION tb_tell() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    PERFORM pg_notify('tb_lease', NEW.ledger_id || ' ' || NEW.epoch);
    RETURN NULL;
END $$;

CREATE FUNCTION tb_forward() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'TB003', MESSAGE = format(
        'lease refuses epoch %s: epoch %s has been given', NEW.epoch, OLD.epoch);
END $$;

CREATE FUNCTION tb_guard_ms() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    book text;
    life bigint;
    longest bigint;
BEGIN
    -- Any book's newest request may still be on its way: its process wrote it before another mode took over.
    FOR book IN
        SELECT current_schema()
        UNION ALL SELECT nspname FROM pg_namespace
         WHERE starts_with(nspname, 'book_') AND nspowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
    LOOP
        -- The journal numbers itself from 39182082048 on.
        EXECUTE format('SELECT ceil(extract(epoch FROM expires_at - timestamp) * 1000)::bigint FROM %I.intents'
                       ' WHERE sequence < 39182082048 ORDER BY sequence DESC LIMIT 1', book) INTO life;
        longest := greatest(longest, life);
    END LOOP;
    -- Without any intent, the longest life of the usual venues.
    RETURN 1000 + coalesce(longest, 5000);
END $$;

CREATE FUNCTION tb_held(but_pod text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = {schema}, pg_temp AS $$
    SELECT EXISTS (SELECT FROM holds
                    WHERE until + tb_guard_ms() * interval '1 millisecond' > clock_timestamp()
                      AND (but_pod = '' OR split_part(instance, '/', 1) <> but_pod));
$$;

CREATE FUNCTION tb_claim(instance text, revision text) RETURNS TABLE (claimed bigint, refusal text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
#variable_conflict use_column
DECLARE
    held lease;
    reason text;
    pod text := split_part(tb_claim.instance, '/', 1);
BEGIN
    SELECT * INTO held FROM lease FOR UPDATE;
    reason := CASE
        WHEN held.ledger_id IS NULL THEN 'NoLease'
        WHEN held.holder <> session_user::text THEN 'NotHolder'
        WHEN held.revision <> tb_claim.revision THEN 'OtherRevision'
        WHEN EXISTS (SELECT FROM lease_history WHERE instance = tb_claim.instance) THEN 'InstanceUsed'
        WHEN held.instance IS NOT NULL AND held.released_at IS NULL
             AND (pod = '' OR split_part(held.instance, '/', 1) <> pod)
             AND EXISTS (SELECT FROM heartbeats WHERE instance = held.instance
                            AND seen_at > clock_timestamp() - interval '5 seconds') THEN 'HeldByOther'
        WHEN tb_held(pod) THEN 'ExitGranted'
    END;
    IF reason IS NOT NULL THEN
        RETURN QUERY SELECT held.epoch, reason;
        RETURN;
    END IF;
    UPDATE lease SET epoch = epoch + 1, instance = tb_claim.instance, successor = NULL, order_until = NULL,
                     released_at = NULL
     WHERE ledger_id = held.ledger_id RETURNING * INTO held;
    held.revision := tb_claim.revision;
    PERFORM tb_note('claim', held);
    RETURN QUERY SELECT held.epoch, NULL::text;
END $$;

CREATE FUNCTION tb_retire(epoch bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
#variable_conflict use_column
DECLARE
    held lease;
BEGIN
    UPDATE lease SET released_at = clock_timestamp()
     WHERE epoch = tb_retire.epoch AND holder = session_user::text AND released_at IS NULL RETURNING * INTO held;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM tb_note('retire', held);
    RETURN true;
END $$;

CREATE FUNCTION tb_release(epoch bigint, successor text) RETURNS TABLE (named bigint, refusal text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
#variable_conflict use_column
DECLARE
    held lease;
    reason text;
BEGIN
    SELECT * INTO held FROM lease FOR UPDATE;
    reason := CASE
        WHEN held.ledger_id IS NULL OR held.epoch <> tb_release.epoch OR held.holder <> session_user::text
             OR held.instance IS NULL OR held.released_at IS NOT NULL THEN 'Stale'
        WHEN held.successor IS NULL THEN 'NoOrder'
        WHEN held.successor <> tb_release.successor THEN 'OtherSuccessor'
        WHEN held.order_until <= clock_timestamp() THEN 'OrderVoid'
        WHEN NOT EXISTS (SELECT FROM heartbeats WHERE instance = split_part(held.successor, ' ', 2)
                            AND seen_at > clock_timestamp() - interval '2 seconds') THEN 'SuccessorSilent'
    END;
    IF reason IS NOT NULL THEN
        RETURN QUERY SELECT NULL::bigint, reason;
        RETURN;
    END IF;
    PERFORM tb_note('release', held);
    UPDATE lease SET epoch = epoch + 1, holder = split_part(successor, ' ', 1), instance = split_part(successor, ' ', 2),
                     revision = split_part(successor, ' ', 3), successor = NULL, order_until = NULL
     WHERE ledger_id = held.ledger_id RETURNING * INTO held;
    PERFORM tb_note('named', held);
    RETURN QUERY SELECT held.epoch, NULL::text;
END $$;

CREATE FUNCTION tb_bind(account text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
#variable_conflict use_column
BEGIN
    UPDATE ledger SET account = tb_bind.account WHERE account = '';
    RETURN (SELECT account FROM ledger);
END $$;

CREATE FUNCTION tb_order(epoch bigint, expected text, successor text, lasts_ms integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF tb_order.successor !~ '^[^ ]+ [^ ]+/[^ ]* [^ ]+$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format(
            'successor "%s" is not HOLDER INSTANCE REVISION', tb_order.successor);
    END IF;
    UPDATE lease SET successor = tb_order.successor,
                     order_until = CASE WHEN tb_order.successor IS NOT NULL
                                        THEN clock_timestamp() + tb_order.lasts_ms * interval '1 millisecond' END
     WHERE epoch = tb_order.epoch AND released_at IS NULL
       AND (successor IS NOT DISTINCT FROM tb_order.expected
            OR tb_order.expected IS NULL AND order_until <= clock_timestamp());
    RETURN FOUND;
END $$;

CREATE FUNCTION tb_fence(epoch bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
#variable_conflict use_column
DECLARE
    held lease;
BEGIN
    SELECT * INTO held FROM lease FOR UPDATE;
    IF held.epoch IS DISTINCT FROM tb_fence.epoch OR tb_held('') THEN
        RETURN false;
    END IF;
    PERFORM tb_note('fence', held);
    RETURN true;
END $$;

CREATE FUNCTION tb_grant(expected bigint, new bigint, holder text, instance text, revision text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
#variable_conflict use_column
DECLARE
    held lease;
BEGIN
    SELECT * INTO held FROM lease FOR UPDATE;
    IF held.epoch IS DISTINCT FROM tb_grant.expected OR tb_grant.new <= held.epoch OR tb_held('') THEN
        RETURN false;
    END IF;
    UPDATE lease SET epoch = tb_grant.new, holder = tb_grant.holder, instance = tb_grant.instance,
                     revision = tb_grant.revision, successor = NULL, order_until = NULL, released_at = NULL
     WHERE ledger_id = held.ledger_id RETURNING * INTO held;
    PERFORM tb_note('grant', held);
    RETURN true;
END $$;

CREATE FUNCTION tb_hold(epoch bigint, instance text, lasts_ms integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
#variable_conflict use_column
DECLARE
    held lease;
BEGIN
    SELECT * INTO held FROM lease FOR UPDATE;
    IF held.epoch IS DISTINCT FROM tb_hold.epoch OR held.instance IS DISTINCT FROM tb_hold.instance
       OR held.released_at IS NOT NULL OR (held.successor IS NOT NULL AND held.order_until > clock_timestamp()) THEN
        RETURN false;
    END IF;
    INSERT INTO holds (ledger_id, epoch, instance, until, at)
    VALUES (held.ledger_id, held.epoch, held.instance,
            clock_timestamp() + tb_hold.lasts_ms * interval '1 millisecond', clock_timestamp());
    RETURN true;
END $$;

CREATE TRIGGER tell AFTER UPDATE ON lease FOR EACH ROW EXECUTE FUNCTION tb_tell();
CREATE TRIGGER forward BEFORE UPDATE ON lease FOR EACH ROW WHEN (NEW.epoch < OLD.epoch) EXECUTE FUNCTION tb_forward();

REVOKE ALL ON FUNCTION tb_tell(), tb_forward(), tb_guard_ms(), tb_held(text), tb_claim(text, text), tb_retire(bigint),
    tb_release(bigint, text), tb_bind(text), tb_order(bigint, text, text, integer), tb_fence(bigint),
    tb_grant(bigint, bigint, text, text, text), tb_hold(bigint, text, integer) FROM PUBLIC;
