/**
 * The program in which a Python handler runs; the same channel as the Node.js one: invocations on file descriptor 3, log,
 * results and errors on 4, one JSON document a line. It follows AWS's runtime interface client.
 *
 * @see https://github.com/aws/aws-lambda-python-runtime-interface-client
 */
export const PYTHON_BOOTSTRAP = String.raw`import importlib
import io
import json
import logging
import os
import sys
import threading
import time
import traceback

root = os.environ['LAMBDA_TASK_ROOT']
lock = threading.Lock()
for descriptor in (3, 4):
    os.set_inheritable(descriptor, False)


def send(message):
    data = (json.dumps(message) + '\n').encode('utf-8')
    with lock:
        while data:
            data = data[os.write(4, data):]


class Frames(io.RawIOBase):
    def writable(self):
        return True

    def write(self, data):
        send({'type': 'log', 'text': bytes(data).decode('utf-8', 'replace')})
        return len(data)


stream = io.TextIOWrapper(io.BufferedWriter(Frames()), encoding='utf-8', errors='replace', line_buffering=True)
sys.stdout = sys.stderr = stream
request_id = ''


class RequestId(logging.Filter):
    def filter(self, record):
        record.aws_request_id = request_id
        return True


log_handler = logging.StreamHandler(stream)
log_format = '[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s'
formatter = logging.Formatter(log_format, '%Y-%m-%dT%H:%M:%S')
formatter.converter = time.gmtime
log_handler.setFormatter(formatter)
log_handler.addFilter(RequestId())
logging.getLogger().addHandler(log_handler)


class LoadError(Exception):
    def __init__(self, error_type, message):
        super().__init__(message)
        self.error_type = error_type


def describe(error, skip):
    if isinstance(error, LoadError):
        return {'errorMessage': str(error), 'errorType': error.error_type, 'stackTrace': []}
    frames = traceback.extract_tb(error.__traceback__)[skip:]
    lines = [line.replace(root, '/var/task') for line in traceback.format_list(frames)]
    return {
        'errorMessage': str(error),
        'errorType': type(error).__name__,
        'requestId': request_id,
        'stackTrace': lines,
    }


def report(failure, fatal=False):
    text = '[ERROR] %s: %s\n' % (failure['errorType'], failure['errorMessage'])
    if failure['stackTrace']:
        text += 'Traceback (most recent call last):\n' + ''.join(failure['stackTrace'])
    stream.flush()
    send({'type': 'log', 'text': text})
    send({'type': 'error', 'error': failure, 'fatal': fatal, 'rssBytes': memory()})


def memory():
    try:
        import resource
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == 'darwin' else peak * 1024
    except ImportError:
        return 0


def load(name):
    if '.' not in name:
        message = "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name
        raise LoadError('Runtime.MalformedHandlerName', message)
    module_name, function_name = name.rsplit('.', 1)
    try:
        module = importlib.import_module(module_name.replace('/', '.'))
    except ImportError as error:
        raise LoadError('Runtime.ImportModuleError', "Unable to import module '%s': %s" % (module_name, error))
    except SyntaxError as error:
        raise LoadError('Runtime.UserCodeSyntaxError', "Syntax error in module '%s': %s" % (module_name, error))
    handler = getattr(module, function_name, None)
    if handler is None:
        message = "Handler '%s' missing on module '%s'" % (function_name, module_name)
        raise LoadError('Runtime.HandlerNotFound', message)
    return handler


class Context:
    def __init__(self, message):
        self.aws_request_id = message['requestId']
        self.invoked_function_arn = message['invokedArn']
        self.function_name = os.environ['AWS_LAMBDA_FUNCTION_NAME']
        self.function_version = os.environ['AWS_LAMBDA_FUNCTION_VERSION']
        self.memory_limit_in_mb = os.environ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
        self.log_group_name = os.environ['AWS_LAMBDA_LOG_GROUP_NAME']
        self.log_stream_name = os.environ['AWS_LAMBDA_LOG_STREAM_NAME']
        self.identity = None
        self.client_context = None
        self._deadline = message['deadlineMs']

    def get_remaining_time_in_millis(self):
        return max(0, int(self._deadline - time.time() * 1000))


def invoke(handler, message):
    try:
        result = handler(json.loads(message['payload']), Context(message))
    except Exception as error:
        return report(describe(error, 1))
    try:
        payload = json.dumps(result)
    except Exception as error:
        return report(describe(LoadError('Runtime.MarshalError', 'Unable to marshal response: %s' % error), 0))
    stream.flush()
    send({'type': 'result', 'payload': payload, 'rssBytes': memory()})


sys.path[0] = root
sys.argv = ['']
try:
    function = load(os.environ['_HANDLER'])
except Exception as error:
    report(describe(error, 2), True)
    os._exit(1)
send({'type': 'ready'})
with os.fdopen(3, 'r', encoding='utf-8', newline='\n') as lines:
    for line in lines:
        invocation = json.loads(line)
        request_id = invocation['requestId']
        invoke(function, invocation)
`;
