-- The end of the audit log moves on by one entry at a time: whoever takes entries away cannot put it back.
CREATE FUNCTION tb_onward() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    IF NEW.number <> OLD.number + 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'TB002', MESSAGE = format(
            'audit_head refuses %s: entry %s was written last', NEW.number, OLD.number);
    END IF;
    RETURN NEW;
END $$;

REVOKE ALL ON FUNCTION tb_onward() FROM PUBLIC;
